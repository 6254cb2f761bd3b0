// A thread of the WebAssembly carrier, in browsers and in Node: an instance of the module on the memory of the others, with a stack
// of its own. It enters the module and does not come back. (JavaScript, as it is started as it lies here from source and bundle alike.)
const node = globalThis.process?.getBuiltinModule?.('node:worker_threads');
const tell = node ? (message) => node.parentPort.postMessage(message) : (message) => postMessage(message);

/** Shares the work of calls as the thread of this number, or works off the queue at this address. */
async function enter({ module, memory, stack, thread, queue }) {
  const { exports } = await WebAssembly.instantiate(module, {
    env: { memory, tell, now: () => performance.now(), may_sleep: () => 1 },
  });
  exports.__stack_pointer.value = stack;
  tell('ready');
  if (thread) exports.imgcls_share_work(thread);
  else exports.imgcls_work_off(queue);
}

const start = (work) => enter(work).catch((error) => tell({ problem: String(error) }));

if (node) void start(node.workerData);
else addEventListener('message', ({ data }) => start(data), { once: true });

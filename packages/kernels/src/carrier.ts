/** Whatever carries the compiled kernels: the Node-API addon, or a WebAssembly module. Addresses are numbers, 0 is none. */
export interface Carrier {
  readonly name: 'native' | 'wasm';
  /** The index of a kernel, -1 where there is none of this name. */
  kernel(name: string): number;
  /** Runs a kernel on the float64 values that lie at an address. What went wrong, or nothing. */
  call(kernel: number, argumentsAt: number): string | undefined;
  /** An address on a 64-byte boundary; 0 if there is no memory. */
  allocate(bytes: number): number;
  release(address: number, bytes: number): void;
  /** The memory at an address. A view may be detached when more is allocated: `isCurrent` tells. */
  view(address: number, bytes: number): { buffer: ArrayBufferLike; byteOffset: number };
  /** Instruction sets that this build has and this machine understands, from the plainest to the best. */
  isas(): readonly string[];
  selectIsa(index: number): void;
  threads(): number;
  setThreads(count: number): void;
}

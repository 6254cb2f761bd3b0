export {
  BackendError,
  type BackendInfo,
  type BackendName,
  type BackendOptions,
  type BackendVerdict,
  listBackends,
  useBackend,
} from './backend.ts';

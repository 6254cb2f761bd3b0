export type { Dtype } from './dtype.ts';
export {
  decodeSafetensors,
  encodeSafetensors,
  SafetensorsError,
  type SafetensorsErrorCode,
  type SafetensorsFile,
  type SafetensorsTensor,
  toStateDict,
} from './safetensors.ts';

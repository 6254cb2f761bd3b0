export { folder } from '#folder';
export { download, indexedDb, opfs } from './browser.ts';
export type { Bytes } from './bytes.ts';
export { CheckpointError, loadCheckpoint, saveCheckpoint } from './checkpoint.ts';
export {
  type Classifier,
  type LoadClassifierOptions,
  loadClassifier,
  loadWeights,
  type MultiLabel,
  saveClassifier,
} from './classifier.ts';
export { type Classification, type Classifying, type ClassifyOptions, classify, type Prediction } from './classify.ts';
export type { Dtype } from './dtype.ts';
export { appendHistory, type HistoryEntry, readHistory } from './history.ts';
export { type Architecture, ClassifierError } from './manifest.ts';
export { readNpz } from './npz.ts';
export type { PickleGlobal } from './pickle.ts';
export type { Destination, Source } from './place.ts';
export {
  type CreateModelOptions,
  createModel,
  loadPretrained,
  type Pretrained,
  type PretrainedOptions,
  type PublishedWeights,
} from './pretrained.ts';
export { files, remote } from './read-only.ts';
export { type ReadWeightsOptions, readWeights, type Weights } from './read-weights.ts';
export {
  decodeSafetensors,
  encodeSafetensors,
  SafetensorsError,
  type SafetensorsErrorCode,
  type SafetensorsFile,
  type SafetensorsTensor,
  toStateDict,
} from './safetensors.ts';
export { memory, type ReadableStore, type Store } from './store.ts';
export { type ReadTorchOptions, readTorchCheckpoint, type TorchCheckpoint } from './torch-checkpoint.ts';
export type { TorchTensor, TorchValue } from './torch-objects.ts';
export { writeTorchCheckpoint } from './torch-writer.ts';
export { WeightsFileError } from './weights-file-error.ts';

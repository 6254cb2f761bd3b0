export {
  type AddedTensorflow,
  type AddTensorflowOptions,
  addTensorflow,
  removeTensorflow,
  updateTensorflow,
} from './engines/tensorflow.ts';
export { main } from './main.ts';

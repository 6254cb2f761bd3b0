/** A file of weights that can't be read: what is wrong with it, and what to do. */
export class WeightsFileError extends Error {
  override readonly name: string = 'WeightsFileError';
}

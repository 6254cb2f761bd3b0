/** A file that is not an image that can be read. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';

  /** @param reason What is wrong with the file, in a few words: `empty file`. */
  constructor(
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`decodeImage: ${reason}`, options);
  }
}

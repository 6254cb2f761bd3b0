/** What is wrong with a file: nothing in it, something else than an image, a damaged image, a too large one, or it can't be read at all. */
export type DecodeErrorCode = 'empty' | 'unsupported' | 'corrupt' | 'too-large' | 'unreadable';

/** A file that gives no image. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';

  /** @param reason What is wrong with the file, in a few words: `empty file`. */
  constructor(
    readonly code: DecodeErrorCode,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`decodeImage: ${reason}`, options);
  }
}

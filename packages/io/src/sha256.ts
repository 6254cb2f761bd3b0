/**
 * The SHA-256 of bytes, in hexadecimal.
 *
 * By the platform's own, fast code, which browsers keep from pages that are not served by https or from localhost; there by
 * `@noble/hashes`, which is loaded only then.
 */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = globalThis.crypto?.subtle
    ? new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as BufferSource))
    : (await import('@noble/hashes/sha2')).sha256(bytes);
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

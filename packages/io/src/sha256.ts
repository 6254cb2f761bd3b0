import { sha256 as portable } from '@noble/hashes/sha2';

/**
 * The SHA-256 of bytes, in hexadecimal.
 *
 * By the platform's own, fast code; browsers keep it from pages that are not served by https or from localhost.
 */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = globalThis.crypto?.subtle
    ? new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as BufferSource))
    : portable(bytes);
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

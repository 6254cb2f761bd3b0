import { expect, it } from 'vitest';
import { currentBackend, normalize, useBackend } from './index.ts';

it('currentBackend() says what to do as long as there is none', async () => {
  const message = 'imgcls: no backend is in use yet, so tensors cannot be made; call await useBackend() first';
  expect(() => currentBackend()).toThrow(message);
  expect(() => normalize(new Uint8Array(1), [1, 1, 1, 1])).toThrow(message);
  await useBackend('cpu');
  expect(currentBackend()).toBe('cpu');
});

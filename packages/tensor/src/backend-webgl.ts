import type { MathBackendWebGL } from '@tensorflow/tfjs-backend-webgl';
import { env } from '@tensorflow/tfjs-core';
import { BackendError, type Engine, messageOf } from './backend-engine.ts';
import { isSoftware } from './backend-webgpu.ts';

/** tfjs's WebGL backend: the GPU of any browser, in a page or a worker. */
export const webgl: Engine = {
  name: 'webgl',
  async open(_options, running) {
    const { MathBackendWebGL: Backend, version_webgl } = await loadPackage();
    if (env().getNumber('WEBGL_VERSION') === 0) {
      throw new BackendError(
        'webgl',
        'the browser gives no WebGL context',
        `turn on graphics acceleration, or use 'wasm'`,
      );
    }
    const backend = (running as MathBackendWebGL | undefined) ?? new Backend();
    const device = rendererOf(backend.gpgpu.gl);
    return { backend, hardware: isSoftware(device) ? 'software' : 'gpu', device, version: version_webgl };
  },
};

/** Not by `import(…).catch`: bundlers let a package be missing only where `try` says that it may. */
async function loadPackage() {
  try {
    return await import('@tensorflow/tfjs-backend-webgl');
  } catch (error) {
    throw new BackendError('webgl', messageOf(error), 'run "npm install @tensorflow/tfjs-backend-webgl@4.22.0"');
  }
}

function rendererOf(gl: WebGLRenderingContext): string {
  const info = gl.getExtension('WEBGL_debug_renderer_info');
  return String(gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
}

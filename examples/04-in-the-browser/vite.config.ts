import { defineConfig } from 'vite';

export default defineConfig({
  base: './',
  worker: { format: 'es' }, // the worker loads its engine when it knows which: that takes a module worker
});

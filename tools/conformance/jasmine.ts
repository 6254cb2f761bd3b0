// Must be the first import of a bundle: tfjs's tests, and its own helpers, expect Jasmine's functions to be global.
import jasmineRequire from 'jasmine-core/lib/jasmine-core/jasmine.js';

const jasmine = jasmineRequire.core(jasmineRequire);
export const env = jasmine.getEnv({ suppressLoadErrors: true });

// How long a test takes says nothing here, where graphics may be computed on the CPU: whatever limit a test sets, it has ten minutes.
jasmine.DEFAULT_TIMEOUT_INTERVAL = 600_000;
const limits = { DEFAULT_TIMEOUT_INTERVAL: { get: () => 600_000, set: () => undefined } };

Object.assign(globalThis, { jasmine: Object.create(jasmine, limits) }, jasmineRequire.interface(jasmine, env));

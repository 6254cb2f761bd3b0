import { tensorflowInstallations } from '@imgcls/tensor/tensorflow';
import { describe, expect, it } from 'vitest';
import { compare, differences } from './conformance.ts';

const spec = (name: string, status: string) => ({ name, status, failures: [] });

describe('differences()', () => {
  it('is empty where each test ends alike, be it well or not', () => {
    const specs = [spec('abs', 'passed'), spec('einsum', 'failed')];
    expect(differences(specs, specs)).toEqual([]);
  });

  it('tells a test that breaks, one that is mended, and one that is gone', () => {
    const stock = [spec('abs', 'passed'), spec('einsum', 'failed'), spec('tan', 'passed')];
    const ours = [spec('abs', 'failed'), spec('einsum', 'passed')];
    expect(differences(stock, ours)).toEqual([
      { name: 'abs #1', stock: 'passed', ours: 'failed', failures: [] },
      { name: 'einsum #1', stock: 'failed', ours: 'passed', failures: [] },
      { name: 'tan #1', stock: 'passed', ours: 'absent', failures: [] },
    ]);
  });

  it('tells tests of one name apart by their turn', () => {
    const stock = [spec('add', 'passed'), spec('add', 'passed')];
    expect(differences(stock, [spec('add', 'passed'), spec('add', 'failed')])).toEqual([
      { name: 'add #2', stock: 'passed', ours: 'failed', failures: [] },
    ]);
  });
});

const tensorflow = tensorflowInstallations().map(() => 'tensorflow' as const);
if (tensorflow.length === 0) console.log('tensorflow is not tested: "imgcls engines add tensorflow" sets it up');

// webgl and webgpu take minutes without a GPU: `pnpm conformance webgl webgpu`.
describe("tfjs-core's own tests", () => {
  it.each(['cpu', 'native', 'wasm', ...tensorflow.slice(0, 1)] as const)(
    'end on %s with our packages loaded as they end on tfjs alone',
    async (backend) => {
      const { passed, differences, own } = await compare(backend);
      expect(differences).toEqual([]);
      expect(passed).toBeGreaterThan(3800);
      expect(own.kernels.length).toBeGreaterThanOrEqual(25); // so they were loaded, registered and run
      expect(own.gradients.length).toBeGreaterThanOrEqual(20);
    },
    600_000,
  );
});

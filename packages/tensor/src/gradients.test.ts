import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import {
  engine,
  getGradient,
  grad,
  memory,
  mul,
  ones,
  prod,
  type Scalar,
  scalar,
  square,
  sum,
  type Tensor,
  tensor,
  tensor1d,
  topk,
  variable,
} from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { checkOperation, expectNoLeak } from '../test/check-operation.ts';
import { grid } from '../test/reference.ts';
import { relu } from './activation.ts';
import { add } from './arithmetic.ts';
import { useBackend } from './backend.ts';
import { gradients, registerGradients } from './gradients.ts';
import { stockGradients } from './stock-gradients.ts';

beforeEach(async () => {
  await useBackend('cpu');
});

describe('gradients()', () => {
  it('differentiates operations of ours and of tfjs-core together', () => {
    const [a, b] = [variable(scalar(3)), variable(scalar(-2))];
    const result = gradients(() => mul(relu(add(a, b)), square(b)), { a, b }); // (a + b) b²
    expect(result.value.dataSync()[0]).toBe(4);
    expect(result.gradients.a?.dataSync()[0]).toBe(4); // b²
    expect(result.gradients.b?.dataSync()[0]).toBe(0); // b² + 2b (a + b)
  });

  it('gives zeros for a parameter that the value does not depend on', () => {
    const [used, unused] = [variable(scalar(1)), variable(ones([2, 3]))];
    const { gradients: slopes } = gradients(() => square(used), { used, unused });
    expect(slopes.unused?.shape).toEqual([2, 3]);
    expect(Array.from(slopes.unused!.dataSync())).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('works without parameters', () => {
    expect(gradients(() => scalar(2), {})).toMatchObject({ gradients: {} });
  });

  it('leaves only its results behind', () => {
    const x = variable(ones([4]));
    const before = memory();
    const { value, gradients: slopes } = gradients(() => sum(relu(square(x))), { x });
    value.dispose();
    slopes.x!.dispose();
    expectNoLeak(before);
  });

  it('leaves nothing behind when the function throws', () => {
    const x = variable(ones([4]));
    const before = memory();
    const failing = () => {
      relu(square(x));
      throw new RangeError('no more data');
    };
    expect(() => gradients(failing, { x })).toThrow(new RangeError('no more data'));
    expectNoLeak(before);
    expect(engine().state.gradientDepth).toBe(0);
  });

  it('names an operation without a gradient, says what to do, and leaves nothing behind', () => {
    const x = variable(tensor1d([3, 1, 2]));
    const before = memory();
    const call = () => gradients(() => sum(topk(relu(x), 2).values), { x });
    expect(call).toThrow(TypeError);
    expect(call).toThrow(
      'gradients: every operation between a parameter and the value needs a gradient, got TopK without one; ' +
        'give it one with registerGradient or customGrad of tfjs-core, or compute that part before gradients()',
    );
    expectNoLeak(before);
  });

  it('refuses a function whose value is no float32 scalar', () => {
    const x = variable(ones([4]));
    const before = memory();
    expect(() => gradients(() => square(x), { x })).toThrow(
      new TypeError(
        'gradients: the function must return a float32 scalar, got float32 [4]; a batch of losses needs a mean',
      ),
    );
    expect(() => gradients(() => scalar(1, 'int32'), { x })).toThrow(TypeError);
    expectNoLeak(before);
  });
});

describe('registerGradients()', () => {
  it("makes tfjs-core's own grad() work, on its operations and ours", () => {
    registerGradients();
    const slope = grad((x: Tensor) => sum(square(relu(x))) as Scalar);
    expect(Array.from(slope(tensor([3, -1])).dataSync())).toEqual([6, 0]);
  });

  it('keeps a gradient that someone has registered already', () => {
    registerGradients();
    const before = getGradient('Square');
    registerGradients();
    expect(getGradient('Square')).toBe(before);
  });

  it('knows the gradient of every kernel that tfjs-core has one for', () => {
    const core = createRequire(import.meta.url).resolve('@tensorflow/tfjs-core/dist/register_all_gradients.js');
    const theirs = readFileSync(core, 'utf8').matchAll(/^import \{ \w+ \} from '\.\/gradients\/(\w+)_grad'/gm);
    const missing = Array.from(theirs, ([, file]) => file!).filter(
      (file) => !stockGradients.some(({ kernelName }) => kernelName.toLowerCase() === file.toLowerCase()),
    );
    expect(missing).toEqual([]);
    expect(stockGradients.length).toBeGreaterThan(100);
  });

  it.each([[[1]], [[0, 2]], [[-1]]])('differentiates prod over axes %j', async (axes) => {
    const shape = [2, 3, 2];
    const reduced = axes.map((axis) => (axis + 3) % 3);
    await checkOperation(
      {
        name: `prod ${axes}`,
        inputs: { x: shape },
        run: ({ x }) => prod(x!, axes),
        reference({ x }) {
          const kept = shape.map((size, axis) => (reduced.includes(axis) ? 1 : size));
          const products = grid(kept, () => 1);
          for (const [i, value] of x!.data.entries()) {
            const at = [Math.floor(i / 6), Math.floor(i / 2) % 3, i % 2].map((at, axis) =>
              Math.min(at, kept[axis]! - 1),
            );
            products.data[(at[0]! * kept[1]! + at[1]!) * kept[2]! + at[2]!]! *= value;
          }
          return { ...products, shape: shape.filter((_, axis) => !reduced.includes(axis)) };
        },
      },
      1e-5,
    );
  });
});

import { random } from '@imgcls/random';
import { useBackend } from '@imgcls/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import { constant } from './initializers.ts';
import { linear } from './linear.ts';
import { isTraining, seeded, training, trainingRandom } from './scope.ts';
import { sequential } from './sequential.ts';

beforeAll(() => useBackend('cpu'));

const weights = (inFeatures = 3) => {
  const layer = linear({ inFeatures, outFeatures: 2 });
  return [layer.children.weight, layer.children.bias!].flatMap(({ variable }) => Array.from(variable.dataSync()));
};

describe('training()', () => {
  test('holds while its function runs, and evaluation is the default', () => {
    expect(isTraining()).toBe(false);
    expect(training(random(1), isTraining)).toBe(true);
    expect(isTraining()).toBe(false);
  });

  test('gives layers the random stream of the innermost scope', () => {
    const [outer, inner] = [random(1), random(2)];
    training(outer, () => {
      training(inner, () => expect(trainingRandom()).toBe(inner));
      expect(trainingRandom()).toBe(outer);
    });
    expect(trainingRandom()).toBeUndefined();
  });

  test('ends when its function throws', () => {
    const fails = () =>
      training(random(1), () => {
        throw new Error('inside');
      });
    expect(fails).toThrow('inside');
    expect(isTraining()).toBe(false);
  });

  test('refuses an asynchronous function', () => {
    expect(() => training(random(1), async () => 1)).toThrow(
      new TypeError(
        'training: the function must be synchronous, got a promise; the scope ends when it returns, so await before or after it',
      ),
    );
    expect(isTraining()).toBe(false);
  });
});

describe('seeded()', () => {
  test('gives the same weights for the same seed and others for another', () => {
    expect(seeded(1, weights)).toEqual(seeded(1, weights));
    expect(seeded(1, weights)).not.toEqual(seeded(2, weights));
  });

  test('gives layers of one network different weights', () => {
    const [first, second] = seeded(1, () => [weights(), weights()]);
    expect(first).not.toEqual(second);
  });

  test('gives a parameter the same values whatever the size of those before it', () => {
    const second = (inFeatures: number) => seeded(1, () => [weights(inFeatures), weights(3)])[1];
    expect(second(3)).toEqual(second(500));
  });

  test('counts anew inside, and goes on outside as if the inner scope had not been', () => {
    const plain = seeded(1, () => [weights(), weights()]);
    const nested = seeded(1, () => {
      const first = weights();
      expect(seeded(1, weights)).toEqual(first);
      return [first, weights()];
    });
    expect(nested).toEqual(plain);
  });

  test('ends when its function throws', () => {
    const rest = seeded(3, () => {
      expect(() =>
        seeded(4, () => {
          throw new Error('inside');
        }),
      ).toThrow('inside');
      return weights();
    });
    expect(rest).toEqual(seeded(3, weights));
  });

  test('refuses an asynchronous function', () => {
    expect(() => seeded(1, async () => sequential())).toThrow(TypeError);
  });

  test('outside of it no two layers are the same', () => {
    expect(weights()).not.toEqual(weights());
  });

  test('knows the weights of seed 1 in every version', () => {
    const layer = seeded(1, () => linear({ inFeatures: 2, outFeatures: 2, bias: constant(0) }));
    expect(Array.from(layer.children.weight.variable.dataSync())).toMatchInlineSnapshot(`
      [
        -0.20060516893863678,
        -0.2859500050544739,
        -0.3830643594264984,
        0.6994794607162476,
      ]
    `);
  });
});

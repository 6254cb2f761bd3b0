import { expect, test } from 'vitest';
import { networkName, oneOf, realNumber, UsageError, wholeNumber } from './usage.ts';

test('wholeNumber() takes whole numbers from its minimum on', () => {
  expect(wholeNumber('--epochs')('12')).toBe(12);
  expect(wholeNumber('--seed', 0)('0')).toBe(0);
});

test.each(['0', '-1', '1.5', 'ten', '', ' ', '1e30', 'Infinity'])('wholeNumber() refuses "%s"', (text) => {
  expect(() => wholeNumber('--epochs')(text)).toThrow(
    new UsageError(`--epochs must be a whole number of at least 1, got "${text}"`),
  );
});

test('realNumber() takes numbers of at least 0, or above it', () => {
  expect(realNumber('--weight-decay')('0')).toBe(0);
  expect(realNumber('--learning-rate', { positive: true })('1e-3')).toBe(0.001);
  expect(() => realNumber('--weight-decay')('-1')).toThrow('--weight-decay must be a number of at least 0, got "-1"');
  expect(() => realNumber('--learning-rate', { positive: true })('0')).toThrow('must be a number above 0, got "0"');
  expect(() => realNumber('--learning-rate')('NaN')).toThrow('got "NaN"');
});

test('networkName() takes the name of a network and tells the nearest otherwise', () => {
  expect(networkName('--model', ['resnet18', 'vgg11'])('vgg11')).toBe('vgg11');
  expect(() => networkName('--model', ['resnet18', 'vgg11'])('resnet')).toThrow(
    '--model must be one of the 2 networks that "imgcls models" lists, got "resnet"; the nearest is resnet18',
  );
});

test('oneOf() takes one of its words and lists them otherwise', () => {
  expect(oneOf('--optimizer', ['sgd', 'adam'])('adam')).toBe('adam');
  expect(() => oneOf('--optimizer', ['sgd', 'adam'])('lion')).toThrow(
    '--optimizer must be one of sgd, adam, got "lion"',
  );
});

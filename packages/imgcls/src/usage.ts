import { closest } from 'fastest-levenshtein';

/** The command line itself is wrong: exit code 2. Anything else that fails is 1. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** Reads an option's value as a whole number of at least `min`. */
export const wholeNumber =
  (option: string, min = 1) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isSafeInteger(value) && value >= min) return value;
    throw new UsageError(`${option} must be a whole number of at least ${min}, got "${text}"`);
  };

/** Reads an option's value as a number of at least 0, or above 0. */
export const realNumber =
  (option: string, { positive = false } = {}) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isFinite(value) && (positive ? value > 0 : value >= 0)) return value;
    throw new UsageError(`${option} must be a number ${positive ? 'above 0' : 'of at least 0'}, got "${text}"`);
  };

/** Reads an option's value as numbers with commas between them. */
export const commaSeparatedNumbers =
  (option: string) =>
  (text: string): number[] => {
    const values = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
    if (values.every(Number.isFinite)) return values;
    throw new UsageError(`${option} must be numbers with commas between them, got "${text}"`);
  };

/** Reads an option's value as one of a few words. */
export const oneOf =
  <T extends string>(option: string, words: readonly T[]) =>
  (text: string): T => {
    const word = words.find((one) => one === text);
    if (word !== undefined) return word;
    throw new UsageError(`${option} must be one of ${words.join(', ')}, got "${text}"`);
  };

/** Reads an option's value as the name of a network. */
export const networkName =
  (option: string, names: readonly string[]) =>
  (text: string): string => {
    if (names.includes(text)) return text;
    throw new UsageError(
      `${option} must be one of the ${names.length} networks that "imgcls models" lists, got "${text}"; the nearest is ${closest(text, names)}`,
    );
  };

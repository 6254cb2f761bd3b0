/** To the nearest integer, of two the even one, as Python and PyTorch round. */
export const roundHalfEven = (value: number): number =>
  value % 1 === 0.5 ? 2 * Math.round(value / 2) : Math.round(value);

/** Cut to 0..255 and to a whole number, as Pillow does. */
export const toByte = (value: number): number => (value <= 0 ? 0 : value >= 255 ? 255 : Math.trunc(value));

/** @throws {RangeError} unless it is a whole number of at least `least`. */
export function checkWhole(where: string, name: string, value: number, least: number): void {
  if (!(Number.isInteger(value) && value >= least))
    throw new RangeError(`${where}: ${name} must be an integer >= ${least}, got ${value}`);
}

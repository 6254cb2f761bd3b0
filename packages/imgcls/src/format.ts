/** A fraction in [0, 1] as a percentage: `97.6 %`. */
export const percent = (fraction: number): string => `${(100 * fraction).toFixed(1)} %`;

/** A whole number with its thousands set apart: `50,000`. */
export const count = (n: number): string => n.toLocaleString('en-US');

/** A number of things: `1 image`, `2 images`. */
export const plural = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`;

/** Seconds as minutes and seconds, or hours: `3:07`, `1:02:15`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number) => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** Names in a sentence: the first few, and how many more there are. */
export function someOf(names: readonly string[], limit = 5): string {
  const shown = names.slice(0, limit).join(', ');
  return names.length > limit ? `${shown} and ${count(names.length - limit)} more` : shown;
}

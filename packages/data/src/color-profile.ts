/**
 * How the colours of a profile become those of sRGB, as tables: the sum of what the three channels of a pixel contribute is its linear light.
 */
export interface ProfileTables {
  /** `[3, 256, 4]`: for a channel of the file and a value of it, its part of linear red, green and blue, of `LIGHT_STEPS - 1` in all; and nothing. */
  readonly light: Int32Array;
  /** `[LIGHT_STEPS]`: linear light as sRGB has it. */
  readonly encoded: Uint8Array;
}

const LIGHT_STEPS = 2 ** 14; // about five for the smallest step of sRGB, which is that near black

/**
 * The tables of an ICC profile that is three curves and a matrix, as those of cameras and displays are: ICC.1:2022, F.3, to sRGB, white point to white
 * point (relative colorimetric).
 *
 * @returns Nothing for profiles of other kinds: gray, CMYK, look-up tables.
 */
export function profileTables(profile: Uint8Array): ProfileTables | undefined {
  const view = new DataView(profile.buffer, profile.byteOffset, profile.byteLength);
  try {
    return tablesOf(view);
  } catch (error) {
    if (error instanceof RangeError) return undefined; // it ends too early
    throw error;
  }
}

function tablesOf(view: DataView): ProfileTables | undefined {
  if (text(view, 16) !== 'RGB ' || text(view, 20) !== 'XYZ ') return undefined;
  const tags = new Map<string, number>();
  for (let i = 0; i < view.getUint32(128); i++) tags.set(text(view, 132 + 12 * i), view.getUint32(136 + 12 * i));
  if (tags.has('A2B0') || tags.has('A2B1')) return undefined;
  const light = new Int32Array(3 * 256 * 4);
  for (const [channel, name] of ['r', 'g', 'b'].entries()) {
    const [color, curveAt] = [tags.get(`${name}XYZ`), tags.get(`${name}TRC`)];
    const curve = curveAt === undefined ? undefined : curveOf(view, curveAt);
    if (color === undefined || !curve) return undefined;
    const [x, y, z] = [8, 12, 16].map((at) => view.getInt32(color + at) / 65_536) as [number, number, number];
    const linear = xyzToSrgb.map(([a, b, c]) => a * x + b * y + c * z);
    for (let value = 0; value < 256; value++) {
      const amount = (LIGHT_STEPS - 1) * curve(value / 255);
      light.set(
        linear.map((part) => Math.round(amount * part)),
        4 * (256 * channel + value),
      );
    }
  }
  encoded ??= Uint8Array.from({ length: LIGHT_STEPS }, (_, i) => Math.round(255 * encode(i / (LIGHT_STEPS - 1))));
  return { light, encoded };
}

const text = (view: DataView, at: number): string =>
  String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(at + i)));

/** The inverse of sRGB's primaries as its own profile states them, under D50: IEC 61966-2-1, annex F. */
const xyzToSrgb = [
  [3.1341864, -1.6172089, -0.4906941],
  [-0.9787485, 1.9161301, 0.0334334],
  [0.0719639, -0.2289939, 1.4057537],
] as const;

/** Kept for the next file: it is the same for all. */
let encoded: Uint8Array | undefined;

/** IEC 61966-2-1, 5.2. */
const encode = (light: number): number => (light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055);

/** From a value to its linear light, both in `[0, 1]`: ICC.1:2022, 10.6 and 10.18. */
function curveOf(view: DataView, at: number): ((value: number) => number) | undefined {
  if (text(view, at) === 'curv') return sampledCurve(view, at);
  if (text(view, at) !== 'para') return undefined;
  const type = view.getUint16(at + 8);
  const [g, a = 1, b = 0, c = 0, d = 0, e = 0, f = 0] = Array.from(
    { length: [1, 3, 4, 5, 7][type] ?? 0 },
    (_, i) => view.getInt32(at + 12 + 4 * i) / 65_536,
  );
  if (g === undefined) return undefined;
  const power = (x: number): number => Math.max(0, a * x + b) ** g;
  if (type <= 1) return (x) => (a * x + b >= 0 ? power(x) : 0);
  if (type === 2) return (x) => (a * x + b >= 0 ? power(x) + c : c);
  return (x) => (x >= d ? power(x) + e : c * x + f);
}

function sampledCurve(view: DataView, at: number): (value: number) => number {
  const count = view.getUint32(at + 8);
  const sample = (i: number): number => view.getUint16(at + 12 + 2 * i);
  if (count === 0) return (x) => x;
  if (count === 1) return (x) => x ** (sample(0) / 256);
  return (x) => {
    const place = x * (count - 1);
    const low = Math.min(Math.floor(place), count - 2);
    return (sample(low) + (place - low) * (sample(low + 1) - sample(low))) / 65_535;
  };
}

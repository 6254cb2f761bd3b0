/**
 * Planes of colour, one after the other, to pixels.
 *
 * @param planes Of `side × side` values, row by row; `columnsFirst`, column by column.
 * @param pixels `[side, side, planes]`, written into.
 */
export function interleave(planes: Uint8Array, pixels: Uint8Array, side: number, { columnsFirst = false } = {}): void {
  const size = side * side;
  const count = planes.length / size;
  for (let plane = 0; plane < count; plane++)
    for (let i = 0; i < size; i++) {
      const pixel = columnsFirst ? (i % side) * side + Math.floor(i / side) : i;
      pixels[count * pixel + plane] = planes[plane * size + i]!;
    }
}

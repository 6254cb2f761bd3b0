/** A point of each curve. */
export interface Losses {
  training: number;
  validation: number;
}

const [width, height, margin] = [640, 260, 36];

/** Draws both losses over the epochs; the axis reaches from 0 to the highest loss so far. */
export function plotLosses(svg: SVGSVGElement, losses: readonly Losses[], epochs: number): void {
  const highest = Math.max(...losses.flatMap(({ training, validation }) => [training, validation]));
  const x = (i: number): number => margin + ((width - 2 * margin) * i) / Math.max(1, epochs - 1);
  const y = (loss: number): number => height - margin - ((height - 2 * margin) * loss) / highest;
  const grid = [0, 0.5, 1].map((share) => {
    const loss = share * highest;
    return `<line x1="${margin}" x2="${width - margin}" y1="${y(loss)}" y2="${y(loss)}" />
      <text x="${margin - 6}" y="${y(loss) + 4}" text-anchor="end">${loss.toFixed(1)}</text>`;
  });
  const curve = (kind: keyof Losses): string => {
    const points = losses.map((at, i) => `${x(i).toFixed(1)},${y(at[kind]).toFixed(1)}`);
    return `<path class="${kind}" d="M${points.join('L')}" />`;
  };
  svg.innerHTML = `${grid.join('')}
    <text x="${x(0)}" y="${height - 10}">1</text><text x="${x(epochs - 1)}" y="${height - 10}" text-anchor="end">epoch ${epochs}</text>
    ${curve('training')}${curve('validation')}`;
}

/**
 * Examples with any number of labels in parts of these sizes, so that each label is divided in the same proportions: the label with the fewest
 * examples left comes first, and each of them goes where that label is missed most, or else where most room is.
 *
 * Iterative stratification: Sechidis et al. 2011, https://doi.org/10.1007/978-3-642-23808-6_10. Parts that are full take no more, so sizes are exact.
 *
 * @param order Decides where labels don't.
 */
export function divideByLabels(
  order: readonly number[],
  labelsOf: (index: number) => readonly number[],
  sizes: readonly number[],
): number[][] {
  const left = examplesByLabel(order, labelsOf);
  const missing = sizes.map(
    (size) => new Map([...left].map(([label, { size: count }]) => [label, (count * size) / order.length])),
  );
  const parts = sizes.map((): number[] => []);
  const room = (part: number): number => sizes[part]! - parts[part]!.length;

  const place = (index: number, rarest: number): void => {
    const best = sizes
      .map((_, part) => part)
      .filter((part) => room(part) > 0)
      .reduce((a, b) => {
        const difference = missing[b]!.get(rarest)! - missing[a]!.get(rarest)!;
        return difference > 1e-9 || (difference > -1e-9 && room(b) > room(a)) ? b : a;
      });
    parts[best]!.push(index);
    for (const label of labelsOf(index)) {
      missing[best]!.set(label, missing[best]!.get(label)! - 1);
      left.get(label)!.delete(index);
    }
  };
  for (;;) {
    const [first, ...others] = [...left].filter(([, examples]) => examples.size > 0);
    if (!first) return parts;
    const [rarest, examples] = others.reduce((a, b) => (b[1].size < a[1].size ? b : a), first);
    for (const index of [...examples]) place(index, rarest);
  }
}

function examplesByLabel(
  order: readonly number[],
  labelsOf: (index: number) => readonly number[],
): Map<number, Set<number>> {
  const byLabel = new Map<number, Set<number>>();
  for (const index of order)
    for (const label of labelsOf(index)) {
      const examples = byLabel.get(label);
      if (examples) examples.add(index);
      else byLabel.set(label, new Set([index]));
    }
  return byLabel;
}

import type { ExaminedFile, FolderReport } from '@imgcls/data';
import { count, percent, plural, someOf } from './format.ts';

/** Something in a folder that may be wrong: what, where, and what to do about it. */
export interface Finding {
  /** `✗` for what spoils a training or its scores, `!` for what is worth a look. */
  mark: '✗' | '!';
  title: string;
  advice: string;
  /** Where, in a few words each. */
  places: readonly string[];
  /** The images in question: those that belong together, together. Of each class and split one comes first. */
  groups: readonly (readonly ExaminedFile[])[];
}

/** How much larger the largest class may be than the smallest before it is worth a word. */
const IMBALANCE = 5;
/** Fewer images of a class than this are hardly learned from. */
const FEW = 20;
/** Images of a group that are named. */
const NAMED = 3;

/** What the doctor says of a folder, the worst first. */
export function findingsOf(report: FolderReport): Finding[] {
  const { leaks, conflicts, duplicates, nearDuplicates, blank, dark, oddShapes, folder } = report;
  const found = [
    together(folder, '✗', conflicts, 'with several labels', 'keep each in the class it shows'),
    together(
      folder,
      '✗',
      leaks,
      'in several splits',
      'take the copies out of the training images, or scores are too good',
    ),
    unusable(report),
    together(
      folder,
      '!',
      duplicates,
      'stored more than once',
      'keep one of each: a random split puts copies on both sides',
    ),
    together(folder, '!', nearDuplicates, 'in nearly equal versions', 'keep one of each, or all in one split'),
    single(folder, blank, 'of one colour all over', 'delete them, unless they are meant'),
    single(folder, dark, 'nearly black', 'look whether anything can be seen'),
    single(
      folder,
      oddShapes,
      'more than three times as long as wide',
      'squashed to a square they are hard to know: crop them',
    ),
    ...ofClasses(report),
  ];
  return found.filter(({ places }) => places.length > 0);
}

/** What is there, in three lines. */
export function outlineOf({ count: total, classes, bytes, sizes, kinds }: FolderReport): string[] {
  const size = ([height, width]: readonly [number, number]) => `${height}x${width}`;
  return [
    `${plural(total, 'image')} in ${plural(classes.length, 'class', 'classes')}, ${(bytes / 2 ** 20).toFixed(1)} MiB`,
    `height x width: ${size(sizes.smallest)} to ${size(sizes.largest)}, in the middle ${size(sizes.median)}`,
    Object.entries(kinds)
      .map(([kind, n]) => `${kind}: ${count(n)}`)
      .join('; '),
  ];
}

/** A file's path below the folder that is looked at. */
export const below = (folder: string, file: string): string =>
  file.startsWith(`${folder}/`) ? file.slice(folder.length + 1) : file;

function together(
  folder: string,
  mark: Finding['mark'],
  groups: Finding['groups'],
  what: string,
  advice: string,
): Finding {
  const varied = groups.map(oneOfEachFirst);
  const places = varied.map((group) => {
    const rest = group.length > NAMED ? ` and ${count(group.length - NAMED)} more` : '';
    const named = group.slice(0, NAMED).map(({ file }) => below(folder, file));
    return named.join(' = ') + rest;
  });
  return { mark, title: `${plural(groups.length, 'image')} ${what}`, advice, places, groups: varied };
}

function single(folder: string, files: readonly ExaminedFile[], what: string, advice: string): Finding {
  const places = files.map(({ file }) => below(folder, file));
  return {
    mark: '!',
    title: `${plural(files.length, 'image')} ${what}`,
    advice,
    places,
    groups: files.map((f) => [f]),
  };
}

const unusable = ({ folder, skipped }: FolderReport): Finding => ({
  mark: '✗',
  title: `${plural(skipped.length, 'file')} that can't be used`,
  advice: 'repair or delete them; training leaves them out',
  places: skipped.map(({ file, reason }) => `${below(folder, file)} (${reason})`),
  groups: [],
});

function ofClasses({ classes, count: total }: FolderReport): Finding[] {
  const counts = classes.map((one) => one.count);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  const small = classes.filter((one) => one.count < FEW).map(({ name }) => name);
  return [
    {
      mark: '!',
      title: `the largest class has ${count(most)} images, the smallest ${count(least)}`,
      advice: 'look at F1 by class, not at accuracy alone; more images of the small classes help most',
      places: most > IMBALANCE * least ? [`${percent(most / total)} is right by always naming the largest`] : [],
      groups: [],
    },
    {
      mark: '!',
      title: `${plural(small.length, 'class has', 'classes have')} fewer than ${FEW} images`,
      advice: 'collect more, or train a pretrained network',
      places: small,
      groups: [],
    },
  ];
}

/** The first of each class and split, then the second of each, and so on: a group's first images show why it is one. */
function oneOfEachFirst(group: readonly ExaminedFile[]): ExaminedFile[] {
  const seen = new Map<string, number>();
  const turns = group.map(({ className, split }) => {
    const place = JSON.stringify([className, split]);
    const turn = seen.get(place) ?? 0;
    seen.set(place, turn + 1);
    return turn;
  });
  return [...group.keys()].sort((a, b) => turns[a]! - turns[b]!).map((i) => group[i]!);
}

/** A finding as text: a few of its places, and what to do. */
export const findingText = ({ mark, title, places, advice }: Finding): string =>
  `${mark} ${title}: ${someOf(places, 3)}\n  → ${advice}`;

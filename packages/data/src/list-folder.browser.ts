import type { ListedFile } from './file-tree.ts';

/** Browsers give no access to folders by path. */
export async function listFolder(folder: string): Promise<ListedFile[]> {
  throw new TypeError(
    `imageFolder: needs, in a browser, the folder that showDirectoryPicker() gives, got the path ${folder}; for a list of files use imageFiles`,
  );
}

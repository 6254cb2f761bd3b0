/**
 * The rows of a CSV file, without empty ones. What separates columns is what the first line has most of: commas, semicolons or tabs.
 *
 * @param where Opens errors.
 * @throws {SyntaxError} if a quoted field has no end.
 * RFC 4180, https://www.rfc-editor.org/rfc/rfc4180
 */
export function parseCsv(text: string, where: string): string[][] {
  const body = text.replace(/^\uFEFF/, '');
  const separator = separatorOf(body.slice(0, (body.indexOf('\n') + 1 || body.length + 1) - 1));
  const field = new RegExp(`"((?:[^"]|"")*)"|([^${separator}\\r\\n]*)`, 'y');
  const rows: string[][] = [];
  let row: string[] = [];
  for (let at = 0; at <= body.length; ) {
    field.lastIndex = at;
    const [all, quoted, plain] = field.exec(body)!;
    if (quoted === undefined && plain!.startsWith('"'))
      throw new SyntaxError(`${where}: a quoted field must end, got ${plain!.slice(0, 40)} in row ${rows.length + 1}`);
    row.push(quoted === undefined ? plain!.trim() : quoted.replaceAll('""', '"'));
    at += all.length;
    if (body[at] === separator) at++;
    else {
      if (row.length > 1 || row[0] !== '') rows.push(row);
      row = [];
      at += body.startsWith('\r\n', at) ? 2 : 1;
    }
  }
  return rows;
}

const separatorOf = (line: string): string =>
  [',', ';', '\t'].reduce((best, one) => (line.split(one).length > line.split(best).length ? one : best));

/** For the tests of `runInPage`: a page that throws, or never ends. */
export default function (fate: 'lost' | 'late'): Promise<never> {
  console.log('before it failed');
  if (fate === 'lost') throw new Error('the page is lost');
  return new Promise(() => undefined);
}

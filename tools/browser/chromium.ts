import { existsSync } from 'node:fs';
import { type Browser, chromium as playwright } from 'playwright-core';

/** Where a Chromium is: `CHROMIUM` in the environment, else where Debian and others put it; undefined where there is none. */
export const chromium: string | undefined = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
].find((path) => path && existsSync(path));

/** What a test says that is skipped for want of a browser. */
export const noChromium =
  'skipped: no Chromium here (install it, on Debian "apt-get install chromium", or set CHROMIUM to its path)';

/** WebGL and WebGPU computed on the CPU, so that they work, slowly, on any machine; no talk with the network. */
const flags = [
  '--no-sandbox',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-unsafe-swiftshader',
  '--use-angle=swiftshader',
];

/** Starts a headless Chromium; whoever starts it closes it. */
export function launch(): Promise<Browser> {
  if (!chromium) throw new Error(noChromium);
  return playwright.launch({ executablePath: chromium, args: flags });
}

export { chromium, launch, noChromium } from './chromium.ts';
export { type PageOptions, runInPage } from './page.ts';

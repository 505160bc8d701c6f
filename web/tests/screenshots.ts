// Takes the page's pictures: `npm run screenshots -- FOLDER`, of CLOCKLESS_URL or else of the mock.
// A second argument opens that instrument first.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from '@playwright/test';
import { launchOptions, VIEWS } from './browser';
import { startMock } from './mock/gateway';

const folder = process.argv[2] ?? 'screenshots';
const instrument = process.argv[3] ?? '';
/** Long enough for lists to load and the DAG to fill its lanes. */
const SETTLE_MS = 6_000;

const mock = process.env['CLOCKLESS_URL'] ? null : await startMock();
const url = process.env['CLOCKLESS_URL'] ?? mock?.url ?? '';
const shots = [
  { name: 'desktop-dark', view: VIEWS.desktop, colorScheme: 'dark', fullPage: false },
  { name: 'desktop-light', view: VIEWS.desktop, colorScheme: 'light', fullPage: false },
  { name: 'wide-dark', view: { width: 1920, height: 1080 }, colorScheme: 'dark', fullPage: false },
  { name: 'phone-dark', view: VIEWS.phone, colorScheme: 'dark', fullPage: true },
] as const;

mkdirSync(folder, { recursive: true });
const browser = await chromium.launch(launchOptions);
for (const shot of shots) {
  const page = await browser.newPage({ viewport: shot.view, colorScheme: shot.colorScheme });
  await page.goto(`${url}/#${instrument}`);
  await page.getByTestId('chain').waitFor();
  await page.waitForTimeout(SETTLE_MS);
  const path = join(folder, `${shot.name}.png`);
  await page.screenshot({ path, fullPage: shot.fullPage });
  console.log(path);
  await page.close();
}
await browser.close();
await mock?.close();

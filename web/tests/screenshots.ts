// Takes the page's pictures: `npm run screenshots -- FOLDER`, of CLOCKLESS_URL (a demo) or else of the mock. It
// signs in to the demo's account and buys and sells a little, so that there is something to see.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Page } from '@playwright/test';
import { launchOptions, VIEWS } from './browser';
import { openTab, signIn } from './e2e/steps';
import { startMock } from './mock/gateway';

const folder = process.argv[2] ?? 'screenshots';
/** Long enough for lists to load and the DAG to fill its lanes. */
const SETTLE_MS = 6_000;

const mock = process.env['CLOCKLESS_URL'] ? null : await startMock();
const url = process.env['CLOCKLESS_URL'] ?? mock?.url ?? '';
const shots = [
  { name: 'page', view: VIEWS.desktop, colorScheme: 'dark', tab: 'Network' },
  { name: 'page-light', view: VIEWS.desktop, colorScheme: 'light', tab: 'Risk' },
  { name: 'page-phone', view: VIEWS.phone, colorScheme: 'dark', tab: 'Positions' },
] as const;

/** An option on one side of the chain at the market, so many rows from the money. */
async function trade(
  page: Page,
  side: 'Buy' | 'Sell',
  from: { rows: number; put: 'call' | 'put' },
): Promise<void> {
  const strikes = page.locator('tr[data-strike]');
  const middle = Math.floor((await strikes.count()) / 2) + from.rows;
  const cells = strikes.nth(middle).locator('td');
  await (from.put === 'put' ? cells.last() : cells.first()).click();
  const ticket = page.getByTestId('ticket');
  await ticket.getByRole('button', { name: side, exact: true }).click();
  await ticket.getByRole('button', { name: 'Market' }).click();
  await page.waitForTimeout(1_000);
  await page.getByTestId('send').click();
  await page.getByTestId('outcome').filter({ hasText: /\w/ }).waitFor();
}

mkdirSync(folder, { recursive: true });
const browser = await chromium.launch(launchOptions);
for (const [place, shot] of shots.entries()) {
  const page = await browser.newPage({ viewport: shot.view, colorScheme: shot.colorScheme });
  await page.goto(url);
  await page.getByTestId('chain').waitFor();
  await signIn(page);
  if (place === 0) {
    await trade(page, 'Sell', { rows: -1, put: 'put' });
    await trade(page, 'Buy', { rows: -3, put: 'put' });
    await trade(page, 'Buy', { rows: 1, put: 'call' });
    await page.getByTestId('ticket').getByRole('button', { name: 'Limit' }).click();
    await page.getByTestId('book').locator('.bid button').first().click();
  }
  await openTab(page, shot.tab);
  await page.evaluate(() => scrollTo(0, 0));
  await page.waitForTimeout(SETTLE_MS);
  const path = join(folder, `${shot.name}.png`);
  await page.screenshot({ path, fullPage: shot.name === 'page-phone' });
  console.log(path);
  await page.close();
}
await browser.close();
await mock?.close();

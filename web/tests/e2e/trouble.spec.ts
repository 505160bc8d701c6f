// What the page says when things are not well. These need a gateway that misbehaves on demand, so
// they always use their own mock.
import { expect, test } from '@playwright/test';
import { startMock } from '../mock/gateway';

test('a lost connection is said, old prices are marked, and it comes back by itself', async ({ page }) => {
  const mock = await startMock();
  await page.goto(mock.url);
  await expect(page.getByTestId('chain')).toBeVisible();
  await mock.close();
  await expect(page.getByTestId('banner')).toContainText('Prices are old');
  await expect(page.getByTestId('connection')).not.toHaveText('Live');
  await expect(page.locator('.frame')).toHaveClass(/stale/);
  const again = await startMock({ port: mock.port });
  await expect(page.getByTestId('connection')).toHaveText('Live');
  await expect(page.getByTestId('banner')).toHaveCount(0);
  const commit = await page.getByTestId('commit-index').innerText();
  await expect(page.getByTestId('commit-index')).not.toHaveText(commit);
  await again.close();
});

test('an empty catalogue is said, not hidden', async ({ page }) => {
  const mock = await startMock({ listing: 'empty' });
  await page.goto(mock.url);
  await expect(page.getByTestId('notice').first()).toContainText('No instruments are listed yet');
  await mock.close();
});

test('a refused catalogue shows the reason and can be asked for again', async ({ page }) => {
  const mock = await startMock({ listing: 'refused' });
  await page.goto(mock.url);
  const notice = page.locator('.panel.chain').getByTestId('notice');
  await expect(notice).toContainText('temporarily_unavailable (13028)');
  await expect(notice.getByRole('button', { name: 'Try again' })).toBeVisible();
  await mock.close();
});

test('nothing is fetched from anywhere but the gateway', async ({ page }) => {
  const mock = await startMock();
  const elsewhere: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(mock.url)) elsewhere.push(request.url());
  });
  const faults: string[] = [];
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  page.on('pageerror', (error) => faults.push(error.message));
  await page.goto(mock.url);
  await expect(page.getByTestId('commit-index')).toHaveText(/\d/);
  expect(elsewhere).toEqual([]);
  expect(faults).toEqual([]);
  await mock.close();
});

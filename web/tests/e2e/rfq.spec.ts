// Requests for quotes: a trader asks, sees answers and takes one; a maker sees a request and answers it. And what the
// margin bar says of orders on their way, and of the faucet.
import AxeBuilder from '@axe-core/playwright';
import { expect, REAL_URL, test } from './venue';
import { openTab, signIn } from './steps';

test.beforeEach(async ({ page, venue }) => {
  await page.goto(venue.url);
  await expect(page.getByTestId('chain')).toBeVisible();
  await signIn(page);
});

test('a structure of two legs is asked for and taken back', async ({ page }) => {
  await openTab(page, 'RFQ');
  const rfq = page.getByTestId('rfq');
  await expect(page.getByTestId('rfq-ask')).toBeDisabled();
  await page.getByTestId('rfq-add').click();
  await expect(page.getByTestId('rfq-add')).toBeDisabled();
  await page.locator('tr.spot + tr td').first().click();
  await page.getByTestId('rfq-add').click();
  await expect(rfq.locator('li[data-leg]')).toHaveCount(2);
  await rfq
    .getByRole('button', { name: /buy, press to change$/ })
    .last()
    .click();
  await expect(rfq.getByRole('button', { name: /sell, press to change$/ })).toHaveCount(1);
  const amounts = rfq.getByRole('textbox', { name: /^Amount of/ });
  await amounts.first().fill('0.00001');
  await expect(amounts.first()).toHaveAttribute('aria-invalid', 'true');
  await expect(page.getByTestId('rfq-ask')).toBeDisabled();
  await amounts.first().fill('0.5');
  await amounts.last().fill('1');
  await page.getByTestId('rfq-ask').click();
  await expect(page.getByTestId('rfq-said')).toHaveText(/Asked as number \d+/);
  const number = (await page.getByTestId('rfq-said').innerText()).match(/\d+/)?.[0];
  const row = rfq.locator(`tr[data-rfq="${number}"]`);
  await expect(row).toContainText(/\+1\s.* −2\s/);
  await row.getByRole('button', { name: /^Take request/ }).click();
  await expect(row).toContainText('cancelled');
});

test.describe('with a desk that answers', () => {
  test.skip(REAL_URL !== undefined, 'a demo has no desk that answers requests');

  test('the best answer is taken with a second press', async ({ page }) => {
    await openTab(page, 'RFQ');
    await page.getByTestId('rfq-add').click();
    await page.getByTestId('rfq-ask').click();
    await expect(page.getByTestId('rfq-said')).toHaveText(/Asked as number \d+/);
    const number = (await page.getByTestId('rfq-said').innerText()).match(/\d+/)?.[0];
    const row = page.locator(`tr[data-rfq="${number}"]`);
    const buy = row.getByRole('button', { name: /^Buy/ });
    await expect(buy).toBeEnabled();
    await buy.click();
    await expect(buy).toHaveText(/^Buy .* now\?$/);
    await buy.click();
    await expect(page.getByTestId('rfq-said')).toHaveText(/Traded as BLOCK-\d+/);
    await expect(row).toContainText(/buy at [\d,]+\.\d\d with desk/);
  });

  test('a maker answers with a price for each leg and takes it back', async ({ page }) => {
    await openTab(page, 'RFQ');
    const row = page.locator('tr[data-rfq]').filter({ hasText: 'from desk' });
    await row.getByRole('button', { name: 'Answer' }).click();
    const answer = page.getByTestId('rfq-answer');
    await expect(answer.getByTestId('rfq-price')).toHaveText(/^−?[\d,]+\.\d\d$/);
    const price = answer.getByRole('textbox', { name: /^Price of/ }).first();
    await price.fill('');
    await expect(answer.getByRole('button', { name: 'Quote' })).toBeDisabled();
    await price.fill('500');
    await answer.getByRole('button', { name: 'Quote' }).click();
    await expect(page.getByTestId('rfq-said')).toHaveText(/is answered/);
    await expect(row.locator('td.down')).toHaveText(/\d/);
    await row.getByRole('button', { name: 'Take ask back' }).click();
    await expect(row.locator('td.down')).toHaveText('–');
  });

  for (const colorScheme of ['dark', 'light'] as const) {
    test(`what is asked and answered can be read by everybody, ${colorScheme}`, async ({ page }) => {
      await page.emulateMedia({ colorScheme });
      await openTab(page, 'RFQ');
      await page.getByTestId('rfq-add').click();
      const row = page.locator('tr[data-rfq]').filter({ hasText: 'from desk' });
      await row.getByRole('button', { name: 'Answer' }).click();
      await expect(page.getByTestId('rfq-price')).toHaveText(/\d/);
      const found = await new AxeBuilder({ page })
        .include('[data-testid="rfq"]')
        .withTags(['wcag2a', 'wcag2aa', 'wcag21aa'])
        .analyze();
      expect(found.violations.map((one) => `${one.id}: ${one.nodes[0]?.html}`)).toEqual([]);
    });
  }

  test('the bar shows between which ends an order on its way leaves the account', async ({ page }) => {
    await expect(page.getByTestId('envelope')).toHaveText(/^[\d,]+$/);
    await page.getByTestId('book').locator('.bid:not(.far) button').last().click();
    await page.getByTestId('send').click();
    await expect(page.getByTestId('outcome')).toContainText('Stands in the book');
    await expect(page.getByTestId('envelope')).toHaveText(/^[\d,]+ … [\d,]+$/);
    await openTab(page, 'Orders');
    await page
      .getByRole('button', { name: /^Cancel the order/ })
      .first()
      .click();
    await expect(page.getByTestId('envelope')).toHaveText(/^[\d,]+$/);
  });
});

test('the faucet adds to the equity', async ({ page }) => {
  const equity = page.getByTestId('equity');
  const figure = async (): Promise<number> => Number((await equity.innerText()).replaceAll(',', ''));
  const before = await figure();
  await page.getByTestId('faucet-header').click();
  await expect.poll(async () => (await figure()) - before).toBeGreaterThan(9_000);
});

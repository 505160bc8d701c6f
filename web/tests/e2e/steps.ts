// Steps that several tests take.
import { expect, type Page } from '@playwright/test';

/** Signs in to the account that a demo makes. */
export async function signIn(page: Page): Promise<void> {
  await page.getByTestId('sign-in').click();
  await page.getByRole('button', { name: 'Try the demo account' }).click();
  await expect(page.getByTestId('equity')).toHaveText(/\d/);
}

export async function openTab(page: Page, name: string): Promise<void> {
  await page.getByRole('tab', { name }).click();
  await expect(page.getByRole('tab', { name })).toHaveAttribute('aria-selected', 'true');
}

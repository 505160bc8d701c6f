// The gateway that browser tests talk to: the one of CLOCKLESS_URL, or a mock per test file.
import { test as base } from '@playwright/test';
import { startMock } from '../mock/gateway';

interface Venue {
  url: string;
}

export const REAL_URL = process.env['CLOCKLESS_URL'];

export const test = base.extend<object, { venue: Venue }>({
  venue: [
    // Playwright reads fixture names from this pattern, even an empty one.
    async ({}, use) => {
      if (REAL_URL) return use({ url: REAL_URL });
      const mock = await startMock();
      await use({ url: mock.url });
      await mock.close();
    },
    { scope: 'worker' },
  ],
});

export { expect } from '@playwright/test';

// Browser tests: against CLOCKLESS_URL when it is set, else against the mock gateway, which each
// test file starts for itself and which serves the built page (`npm run build` first).
import { defineConfig } from '@playwright/test';
import { launchOptions, VIEWS } from './tests/browser';

export default defineConfig({
  testDir: 'tests/e2e',
  outputDir: 'test-results',
  timeout: 60_000,
  expect: { timeout: 20_000 },
  workers: 1,
  forbidOnly: true,
  reporter: 'list',
  use: {
    launchOptions,
    viewport: VIEWS.desktop,
    colorScheme: 'dark',
    screenshot: 'only-on-failure',
  },
});

// Builds the page into static files with relative paths, so that a gateway can serve them from
// any folder and the binary can embed them. In development, `/ws` goes to CLOCKLESS_URL or to the
// mock gateway of tests/mock-server.ts.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

const gateway = process.env['CLOCKLESS_URL'] ?? 'http://127.0.0.1:8099';

export default defineConfig({
  base: './',
  plugins: [svelte()],
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 250,
  },
  server: {
    proxy: { '/ws': { target: gateway, ws: true, changeOrigin: true } },
  },
  test: {
    include: ['tests/unit/**/*.test.ts'],
    environment: 'node',
  },
});

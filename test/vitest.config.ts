import { defineConfig } from 'vitest/config';

// Two projects: `unit` needs nothing but Node; `guest` boots virtual machines and shares two cores, so its files run one at a time.
export default defineConfig({
  test: {
    reporters: ['default'],
    projects: [
      {
        test: {
          name: 'unit',
          root: new URL('..', import.meta.url).pathname,
          include: ['test/**/*.test.ts'],
          exclude: ['test/guest/**', '**/node_modules/**'],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'guest',
          root: new URL('..', import.meta.url).pathname,
          include: ['test/guest/**/*.test.ts'],
          globalSetup: new URL('guest/support/setup.ts', import.meta.url).pathname,
          fileParallelism: false,
          // After the unit tests, not beside them: guests have the machine to themselves.
          sequence: { groupOrder: 1 },
          testTimeout: 300_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});

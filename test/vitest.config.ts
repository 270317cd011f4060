import { defineConfig } from 'vitest/config';

// Two projects: `unit` needs nothing but Node; `guest` boots virtual machines and shares two cores, so its files run one at a time.
export default defineConfig({
  test: {
    reporters: ['default'],
    // Counted in this process only: what the guests' tests run is the built program, in processes of its own, and comes on top.
    coverage: {
      include: ['src/**'],
      reporter: ['text-summary'],
      reportsDirectory: new URL('../node_modules/.coverage', import.meta.url).pathname,
      thresholds: { lines: 85 },
    },
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

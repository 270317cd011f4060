import { defineConfig } from 'vitest/config';

const root = new URL('..', import.meta.url).pathname;
/** Guests that want a KVM with hardware behind it: on this machine, or in the lab. */
const HARDWARE = ['lab', 'linux-*', 'console-linux', 'console-pipes'].map(name => `test/guest/${name}.test.ts`);

// Three projects: `unit` needs nothing but Node; `native` boots guests on the local KVM, whatever its kind, and `linux` where there is
// hardware behind it. Guests time out when they starve, so their files run one at a time. The lab keeps one core busy: `npm test`
// runs `linux` beside the other two.
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
          root,
          include: ['test/**/*.test.ts'],
          exclude: ['test/guest/**', '**/node_modules/**'],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'native',
          root,
          include: ['test/guest/**/*.test.ts'],
          exclude: HARDWARE,
          globalSetup: new URL('guest/support/build.ts', import.meta.url).pathname,
          fileParallelism: false,
          // After the unit tests, not beside them.
          sequence: { groupOrder: 1 },
          testTimeout: 300_000,
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          name: 'linux',
          root,
          include: HARDWARE,
          globalSetup: new URL('guest/support/setup.ts', import.meta.url).pathname,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          testTimeout: 300_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});

import { defineConfig } from 'vitest/config';

const root = new URL('..', import.meta.url).pathname;
/** Guests that want a KVM with hardware behind it: on this machine, or in the lab. */
const HARDWARE = ['lab', 'linux-*', 'console-linux', 'console-pipes'].map(name => `test/guest/${name}.test.ts`);
/** So many of them that both sides of `npm test` take about as long. */
const NETWORKS = ['linux-net', 'linux-net-local', 'linux-net-refusals'].map(name => `test/guest/${name}.test.ts`);

// Four projects: `unit` needs nothing but Node; `native` boots guests on the local KVM, whatever its kind, `linux` and `networks` where
// there is hardware behind it. Guests time out when they starve, so their files run one at a time. A lab keeps one core busy: `npm test`
// runs `linux` beside the other three.
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
      ...[
        { name: 'linux', include: HARDWARE, exclude: NETWORKS },
        { name: 'networks', include: NETWORKS },
      ].map(project => ({
        test: {
          ...project,
          root,
          globalSetup: new URL('guest/support/setup.ts', import.meta.url).pathname,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          testTimeout: 300_000,
          hookTimeout: 600_000,
        },
      })),
    ],
  },
});

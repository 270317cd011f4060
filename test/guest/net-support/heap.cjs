// Loaded into tslaunch ahead of its own code (NODE_OPTIONS=--require): at SIGUSR2 main collects all its garbage, and says in a line of the
// file HEAP how many bytes of its heap, and of buffers beside it, are still in use.
const { appendFileSync } = require('node:fs');
const { setTimeout: wait } = require('node:timers/promises');
const { setFlagsFromString } = require('node:v8');
const { runInNewContext } = require('node:vm');
const { isMainThread } = require('node:worker_threads');

/** Looks at the heap, of which the least counts. */
const LOOKS = 8;
const BETWEEN_MS = 30;

// Node takes no --expose-gc from the environment. What V8 keeps about functions while they become warm would look like a leak: without its
// optimising compilers, and with all of that made at a function's first call, it is there soon and stays.
for (const flag of [
  '--expose-gc',
  '--no-opt',
  '--no-sparkplug',
  '--no-lazy-feedback-allocation',
  '--no-flush-bytecode',
]) {
  setFlagsFromString(flag);
}
const collect = runInNewContext('gc');

if (isMainThread) {
  process.on('SIGUSR2', async () => {
    let least = Number.POSITIVE_INFINITY;
    // What one collection hands to finalizers is gone with a later one, and what is under way at one moment with the next.
    for (let i = 0; i < LOOKS; i++) {
      collect();
      const { heapUsed, external } = process.memoryUsage();
      least = Math.min(least, heapUsed + external);
      await wait(BETWEEN_MS);
    }
    appendFileSync(process.env.HEAP, `${least}\n`);
  });
}

#!/usr/bin/env node
// CommonJS, here and in dist: Node starts it in half the time that modules take.
const { existsSync } = require('node:fs');
const { join } = require('node:path');
const { isMainThread } = require('node:worker_threads');
const { run } = require('./compiled.js');

// The program's threads start here as well: each runs the bundle made for it.
const bundle = join(__dirname, '../dist', isMainThread ? 'main.js' : 'vcpu-worker.js');
if (existsSync(bundle)) run(bundle);
else {
  process.stderr.write('tslaunch: It is not built yet: type "npm ci" (or "npm run build") in its directory.\n');
  process.exit(1);
}

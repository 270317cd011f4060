#!/usr/bin/env node
// CommonJS, here and in dist: Node starts it in half the time that modules take.
const { existsSync } = require('node:fs');
const { join } = require('node:path');
const { isMainThread } = require('node:worker_threads');
const { run } = require('./compiled.js');

// The program's threads start here as well: each runs the bundle made for it.
const bundle = join(__dirname, '../dist', isMainThread ? 'main.js' : 'vcpu-worker.js');
const [major, minor] = process.versions.node.split('.').map(Number);

function fail(sentence) {
  process.stderr.write(`tslaunch: ${sentence}\n`);
  process.exit(1);
}

if (major < 20 || (major === 20 && minor < 19))
  fail(`It needs Node 20.19 or newer, and this is ${process.versions.node}: install a newer one from nodejs.org.`);
if (!existsSync(bundle)) fail('It is not built yet: type "npm ci" (or "npm run build") in its directory.');
run(bundle);

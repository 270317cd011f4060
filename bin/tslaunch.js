#!/usr/bin/env node
// CommonJS, here and in dist: Node starts it in half the time that modules take.
try {
  require.resolve('../dist/main.js');
} catch {
  process.stderr.write('tslaunch: It is not built yet: type "npm ci" (or "npm run build") in its directory.\n');
  process.exit(1);
}
require('../dist/main.js');

#!/usr/bin/env node
// CommonJS, here and in dist: Node starts it in half the time that modules take.
require('../dist/main.js');

// A bundle as a script, with the code that V8 made of it when it was built: compiling it anew takes a sixth of a start, and
// more where the processor is emulated.
const { readFileSync, statSync } = require('node:fs');
const Module = require('node:module');
const { dirname } = require('node:path');
const { Script } = require('node:vm');

/** Where the code of a bundle lies. */
const codeOf = file => `${file}.code`;

/**
 * The script of a bundle, as Node's own loader would compile it. V8 rejects code from another version of itself, or made with other
 * flags, and compiles the source then: `cachedDataRejected` says so.
 */
function compile(file, cachedData) {
  return new Script(Module.wrap(readFileSync(file, 'latin1')), { filename: file, cachedData });
}

/** The code that fits the bundle, or undefined. V8 would take that of another text of the same length. */
function codeFor(file) {
  try {
    return statSync(codeOf(file)).mtimeMs < statSync(file).mtimeMs ? undefined : readFileSync(codeOf(file));
  } catch {
    return undefined;
  }
}

/** Runs a bundle as a module of its own. */
function run(file) {
  const module = new Module(file);
  module.filename = file;
  const body = compile(file, codeFor(file)).runInThisContext();
  body(module.exports, Module.createRequire(file), module, file, dirname(file));
}

module.exports = { codeOf, compile, run };

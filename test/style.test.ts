import { beforeAll, describe, expect, it } from 'vitest';
import { type SourceFile, sourceFiles } from './support/sources.ts';

/** A file that needs more than this holds two ideas. */
const MOST_LINES = 250;
const FOLDERS = ['src', 'test', 'bench', 'fixtures'];

let files: SourceFile[];
beforeAll(async () => {
  files = (await Promise.all(FOLDERS.map(folder => sourceFiles(folder).catch(() => [])))).flat();
});
const paths = (wrong: readonly SourceFile[]) => wrong.map(({ path }) => path);

describe('every source file', () => {
  it(`has at most ${MOST_LINES} lines`, () => {
    const long = files.filter(
      ({ path, text }) => path.startsWith('src/') && text.trimEnd().split('\n').length > MOST_LINES,
    );
    expect(paths(long)).toEqual([]);
  });

  it('opens with a paragraph that says why it exists', () => {
    const silent = files.filter(
      ({ path, text }) => !path.startsWith('test/') && !/^(#!.*\n)?(\/\*\*?[\s*]+|\/\/ )\S/.test(text),
    );
    expect(paths(silent)).toEqual([]);
  });

  it('names files with their extension when it imports them', () => {
    const vague = files.filter(({ imports }) => imports.some(name => !/\.(ts|js|json|s?css|wasm)$/.test(name)));
    expect(paths(vague)).toEqual([]);
  });

  it('has no test that is switched off or alone', () => {
    const loose = files.filter(
      ({ path, text }) => path.endsWith('.test.ts') && /\b(it|describe|test)\.(only|todo)\(/.test(text),
    );
    expect(paths(loose)).toEqual([]);
  });
});

/** The project's own source files and what each imports, for the tests that look after the layout. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { init, parse } from 'es-module-lexer';

export const ROOT = new URL('../..', import.meta.url).pathname;

export interface SourceFile {
  /** Relative to the project, for example `src/base/bits.ts`. */
  readonly path: string;
  readonly text: string;
  /** Relative imports, types included, as paths relative to the project. */
  readonly imports: readonly string[];
  /** Packages and Node modules, as written. */
  readonly packages: readonly string[];
}

/** The lexer knows JavaScript: `import type` passes, `export type { } from` must lose its `type`. */
function importsOf(text: string): string[] {
  const [imports] = parse(text.replace(/^export type (?=[{*])/gm, 'export '));
  return imports.flatMap(each => (each.n === undefined ? [] : [each.n]));
}

/** One file as the tests see it. */
export function sourceFile(path: string, text: string): SourceFile {
  const names = [...new Set(importsOf(text))];
  const imports = names.filter(name => name.startsWith('.')).map(name => join(dirname(path), name));
  return { path, text, imports, packages: names.filter(name => !name.startsWith('.')) };
}

/** All TypeScript files below `folder`, sorted. */
export async function sourceFiles(folder: string): Promise<SourceFile[]> {
  await init;
  const entries = readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter(entry => entry.isFile() && entry.name.endsWith('.ts'))
    .map(entry => relative(ROOT, join(entry.parentPath, entry.name)))
    .sort()
    .map(path => sourceFile(path, readFileSync(join(ROOT, path), 'utf8')));
}

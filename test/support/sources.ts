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
  /** Those among them that are gone once types are stripped. */
  readonly typeImports: ReadonlySet<string>;
  /** Packages and Node modules, as written. */
  readonly packages: readonly string[];
}

/** A module's name as written, and whether only types come from there. */
interface Import {
  readonly name: string;
  readonly typeOnly: boolean;
}

function importsOf(text: string): Import[] {
  // The lexer knows JavaScript: `import type` passes, `export type { } from` must lose its `type`, all else staying in its place.
  const [imports] = parse(text.replace(/^export type (?=[{*])/gm, 'export      '));
  return imports.flatMap(({ n: name, ss, se }) => {
    return name === undefined ? [] : [{ name, typeOnly: /^(import|export) type\b/.test(text.slice(ss, se)) }];
  });
}

/** One file as the tests see it. */
export function sourceFile(path: string, text: string): SourceFile {
  const all = importsOf(text).map(each => ({
    ...each,
    to: each.name.startsWith('.') ? join(dirname(path), each.name) : undefined,
  }));
  const imports = new Set(all.flatMap(each => each.to ?? []));
  const values = new Set(all.flatMap(each => (each.typeOnly ? [] : (each.to ?? []))));
  const packages = new Set(all.flatMap(each => (each.to === undefined ? [each.name] : [])));
  return {
    path,
    text,
    imports: [...imports],
    typeImports: new Set([...imports].filter(to => !values.has(to))),
    packages: [...packages],
  };
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

/** The rules of the layout, as functions from files to complaints, so that the rules themselves can be tested. */
import { dirname } from 'node:path';
import type { SourceFile } from './sources.ts';

/** From the ground up: a folder of src imports only from itself and from those before it. */
export const FLOORS = [
  'base',
  'host',
  'state',
  'memory',
  'x86',
  'kvm',
  'boot',
  'bus',
  'pci',
  'virtio',
  'devices',
  'machine',
  'api',
  'cli',
] as const;

/** Files that are tested without a host: nothing they reach may touch it. */
const PURE = /^src\/(state|memory|x86|boot|bus|pci|virtio)\/|^src\/devices\/(.*\/)?(registers|request)\.ts$/;
const IMPURE = /^src\/(host|kvm)\//;

const floorOf = (path: string) => FLOORS.indexOf(path.split('/')[1] as (typeof FLOORS)[number]);

/** Imports that lead up, or out of src. */
export function upwardImports(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, imports }) => {
    const own = floorOf(path);
    if (own < 0) return [`${path} is on no floor`];
    return imports
      .filter(to => to !== 'package.json' && (!to.startsWith('src/') || floorOf(to) > own || floorOf(to) < 0))
      .map(to => `${path} imports ${to}`);
  });
}

/**
 * Every way round, each reported once, from the file that closes it. Files of one folder may know each other's types, as what is
 * executed and what executes it do: nothing of that is left when they run.
 */
export function cycles(files: readonly SourceFile[]): string[] {
  const byPath = new Map(files.map(file => [file.path, file]));
  const finished = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]) => {
    const start = trail.indexOf(path);
    if (start >= 0) found.push([...trail.slice(start), path].join(' -> '));
    if (start >= 0 || finished.has(path)) return;
    const file = byPath.get(path);
    for (const to of file?.imports ?? []) {
      if (!file?.typeImports.has(to) || dirname(to) !== dirname(path)) visit(to, [...trail, path]);
    }
    finished.add(path);
  };
  for (const { path } of files) visit(path, []);
  return found;
}

/** Pure files from which host or kvm can be reached, with the way there. */
export function impureReach(files: readonly SourceFile[]): string[] {
  const byPath = new Map(files.map(file => [file.path, file]));
  const way = (path: string, seen: Set<string>): string[] | undefined => {
    if (IMPURE.test(path)) return [path];
    if (seen.has(path)) return undefined;
    seen.add(path);
    for (const to of byPath.get(path)?.imports ?? []) {
      const rest = way(to, seen);
      if (rest) return [path, ...rest];
    }
    return undefined;
  };
  return files.filter(({ path }) => PURE.test(path)).flatMap(({ path }) => way(path, new Set())?.join(' -> ') ?? []);
}

/** Files outside src/host that call the C library themselves. */
export function strayKoffi(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path, packages }) => packages.includes('koffi') && !path.startsWith('src/host/'))
    .map(({ path }) => path);
}

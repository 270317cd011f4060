import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { cycles, FLOORS, impureReach, strayKoffi, upwardImports } from './support/layers.ts';
import { ROOT, type SourceFile, sourceFile, sourceFiles } from './support/sources.ts';

let files: SourceFile[];
beforeAll(async () => {
  files = await sourceFiles('src');
});

describe('the floors of src', () => {
  it('are built on those below', () => {
    expect(upwardImports(files)).toEqual([]);
  });

  it('have no cycles', () => {
    expect(cycles(files)).toEqual([]);
  });

  it('keep the host out of what is tested without one', () => {
    expect(impureReach(files)).toEqual([]);
  });

  it('call the C library only from src/host', () => {
    expect(strayKoffi(files)).toEqual([]);
  });

  it('are those that ARCHITECTURE.md names, in order', () => {
    const rows = readFileSync(`${ROOT}/ARCHITECTURE.md`, 'utf8').matchAll(/^\| `src\/(\w+)\/` /gm);
    expect([...rows].map(([, name]) => name)).toEqual(FLOORS);
  });
});

describe('the rules themselves', () => {
  const from = (path: string, text: string) => sourceFile(path, text);

  it('see imports of every form', () => {
    const text = `
      import a from '../a.ts';
      import type { B } from '../b.ts';
      import { type C } from "../c.ts";
      export * from '../d.ts';
export type { E } from '../e.ts';
      export { f } from '../f.ts';
      const g = await import('../g.ts');
      // import '../comment.ts'
      const text = "import '../string.ts'";
      import koffi from 'koffi';
    `;
    const { imports, packages } = from('src/x86/file.ts', text);
    expect([...imports].sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g'].map(name => `src/${name}.ts`));
    expect(packages).toEqual(['koffi']);
  });

  it('complain of a way up, out, and to nowhere', () => {
    expect(upwardImports([from('src/bus/a.ts', "import '../pci/b.ts'; import '../base/c.ts'")])).toEqual([
      'src/bus/a.ts imports src/pci/b.ts',
    ]);
    expect(upwardImports([from('src/bus/a.ts', "import '../../test/b.ts'")])).toHaveLength(1);
    expect(upwardImports([from('src/attic/a.ts', '')])).toEqual(['src/attic/a.ts is on no floor']);
  });

  it('complain of a cycle, however long', () => {
    const ring = [
      from('src/pci/a.ts', "import './b.ts'"),
      from('src/pci/b.ts', "import { type C } from './c.ts'"),
      from('src/pci/c.ts', "import './a.ts'"),
      from('src/pci/d.ts', "import './a.ts'"),
    ];
    expect(cycles(ring)).toEqual(['src/pci/a.ts -> src/pci/b.ts -> src/pci/c.ts -> src/pci/a.ts']);
  });

  it('let files of one folder know each other by type only', () => {
    const pair = (name: string) => [
      from('src/devices/a/one.ts', `import { type Two, two } from '${name}'`),
      from('src/devices/a/two.ts', "import type { One } from './one.ts'; export type { One } from './one.ts'"),
      from('src/devices/b/two.ts', "import type { One } from '../a/one.ts'"),
    ];
    expect(cycles(pair('./two.ts'))).toEqual([]);
    expect(cycles(pair('../b/two.ts'))).toHaveLength(1);
  });

  it('complain of a host reached by a detour', () => {
    const detour = [
      from('src/memory/a.ts', "import '../base/b.ts'"),
      from('src/base/b.ts', "import '../host/c.ts'"),
      from('src/devices/block/request.ts', "import '../../kvm/d.ts'"),
      from('src/devices/block/backend.ts', "import '../../host/c.ts'"),
    ];
    expect(impureReach(detour)).toEqual([
      'src/memory/a.ts -> src/base/b.ts -> src/host/c.ts',
      'src/devices/block/request.ts -> src/kvm/d.ts',
    ]);
  });

  it('complain of koffi anywhere but in src/host', () => {
    const text = "import koffi from 'koffi'";
    expect(strayKoffi([from('src/host/a.ts', text), from('src/kvm/b.ts', text)])).toEqual(['src/kvm/b.ts']);
  });
});

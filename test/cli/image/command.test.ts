import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { GiB, MiB } from '../../../src/base/bits.ts';
import { describeError, type TslaunchError } from '../../../src/base/errors.ts';
import { image } from '../../../src/cli/image/command.ts';
import { FIELD } from '../../../src/devices/block/qcow2/format.ts';

let folder: string;
let before: string;
let printed: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tslaunch-image-'));
  before = process.cwd();
  process.chdir(folder);
});
afterAll(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  printed = '';
  vi.spyOn(process.stdout, 'write').mockImplementation(text => {
    printed += text;
    return true;
  });
});
afterEach(() => vi.restoreAllMocks());
const run = (line: string) => image(line.split(' ').filter(Boolean));

describe('tslaunch image', () => {
  it('makes, describes and checks images', async () => {
    expect(await run('create a.qcow2 10G --cluster-size 128K')).toBe(0);
    expect(printed).toBe('');
    expect(await run('info a.qcow2 --json')).toBe(0);
    expect(JSON.parse(printed)).toMatchObject({ format: 'qcow2', size: 10 * GiB, qcow2: { clusterSize: 131_072 } });
    expect(await run('info a.qcow2')).toBe(0);
    expect(printed).toMatch(/^disk size: +10 GiB \(10737418240 bytes\)$/m);
    expect(await run('check a.qcow2')).toBe(0);
    expect(printed).toMatch(/^a\.qcow2: no errors; /m);
  });

  it('makes raw images that are one hole', async () => {
    expect(await run('create b.raw 300M --format raw')).toBe(0);
    const { size, blocks } = statSync('b.raw');
    expect({ size, blocks }).toEqual({ size: 300 * MiB, blocks: 0 });
    await run('info b.raw');
    expect(printed).toMatch(/^format: +raw$/m);
  });

  it('makes images on top of others', async () => {
    await run('create base.raw 5M --format raw');
    expect(await run('create top.qcow2 --base base.raw --base-format raw')).toBe(0);
    await run('info top.qcow2 --json');
    expect(JSON.parse(printed)).toMatchObject({
      size: 5 * MiB,
      qcow2: { backing: { file: 'base.raw', format: 'raw' } },
    });
  });

  it('finds leaks, says so by its status, and repairs them if told', async () => {
    await run('create leaky.qcow2 1M');
    const bytes = new Uint8Array(5 * 65_536);
    bytes.set(readFileSync('leaky.qcow2'));
    const view = new DataView(bytes.buffer);
    const block = Number(view.getBigUint64(Number(view.getBigUint64(FIELD.refcountOffset))));
    view.setUint16(block + 4 * 2, 1);
    writeFileSync('leaky.qcow2', bytes);
    expect(await run('check leaky.qcow2')).toBe(1);
    expect(printed).toContain('1 cluster lost');
    expect(await run('check leaky.qcow2 --repair leaks')).toBe(0);
    printed = '';
    expect(await run('check leaky.qcow2 --json')).toBe(0);
    expect(JSON.parse(printed)).toMatchObject({ leaks: 0, corruptions: 0 });
  });

  it.each(['', '--help', 'create --help', 'check --help'])('helps: "%s"', async line => {
    expect(await run(line)).toBe(0);
    expect(printed).toContain('tslaunch image c');
    expect(printed.split('\n').filter(each => each.length > 80)).toEqual([]);
  });

  it.each([
    ['frob a', 2, 'Nothing is known of frob, a. See tslaunch image --help.'],
    ['create', 2, '0 files are named where 1 is needed. See tslaunch image --help.'],
    ['create new', 2, 'A new image needs a size. Say one, for example 10G.'],
    ['create new big', 2, 'The size "big" is not a number of bytes. Write for example 10G, 512M or 64K.'],
    ['create new 0', 2, 'The size "0" is not a number of bytes.'],
    ['create new 10', 2, 'A disk of 10 bytes is not possible. Use a multiple of 512 bytes, for example 10G.'],
    ['create new 10 --format raw', 2, 'A disk of 10 bytes is not possible.'],
    ['create new --format raw', 2, 'A new image needs a size.'],
    ['create new 1G --format vmdk', 2, '--format is "vmdk" and can be "raw", "qcow2".'],
    ['create new 1G --base', 2, '--base needs a value.'],
    ['create new --base b.raw', 2, 'The format of the base b.raw is not given. Add --base-format raw or qcow2.'],
    ['create new 1G --base-format raw', 2, '--base-format says what --base is, which is missing.'],
    ['create new --base none --base-format raw', 2, /none does not exist/],
    ['create new 1G --format raw --base x --base-format raw', 2, '--base does not go with --format raw.'],
    ['create new 1G --cluster-size 1000', 2, 'A cluster size of 1000 is not possible.'],
    ['create new 1G --frob', 2, 'Nothing is known of frob.'],
    ['create new 1G more', 2, 'Nothing is known of more.'],
    ['create a.qcow2 1G', 2, 'a.qcow2 is there already. Remove it first, or take another name.'],
    ['create b.raw 1G --format raw', 2, 'b.raw is there already.'],
    ['create no/where 1G', 1, 'no/where cannot be made (ENOENT).'],
    ['create no/where 1G --format raw', 1, 'no/where cannot be made (ENOENT).'],
    ['info', 2, '0 files are named where 1 is needed.'],
    ['info none', 2, 'Block image none does not exist.'],
    ['info b.raw --format qcow2', 2, 'Block image b.raw is no qcow2 image.'],
    ['check b.raw', 2, 'Block image b.raw is raw: any bytes make a sound one.'],
    ['check a.qcow2 --repair some', 2, '--repair is "some" and can be "leaks", "all".'],
  ])('refuses "%s"', async (line, status, sentence) => {
    const error = await run(line).then(
      () => new Error('it was done'),
      (error: TslaunchError) => error,
    );
    expect(describeError(error)).toMatch(sentence);
    expect((error as TslaunchError).exitStatus).toBe(status);
    expect(describeError(error)).not.toContain('\n');
    expect(printed).toBe('');
    expect(existsSync('new')).toBe(false);
  });
});

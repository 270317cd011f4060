import { describe, expect, it } from 'vitest';
import { GiB, MiB } from '../../src/base/bits.ts';
import { UsageError } from '../../src/base/errors.ts';
import { parse } from '../../src/cli/parse.ts';

const environment = { hostMemory: 8 * GiB, cwd: '/home/me' };
const command = (line: string) => parse(line === '' ? [] : line.split(' '), environment);
function config(line: string) {
  const parsed = command(line);
  if (parsed.kind !== 'run') throw new Error(`${line} does not run`);
  return parsed.config;
}

describe('a command line', () => {
  it('becomes a configuration', () => {
    expect(
      config(
        '512 vmlinux root=/dev/vda console=ttyS0 --block a.img --block /b,ro --cdrom c.iso --cdrom d.iso,serial=S1 --rng --cpus 4 --initrd i --username nobody --chroot /empty -v --entry pvh',
      ),
    ).toEqual({
      memoryBytes: 512 * MiB,
      cpus: 4,
      kernelPath: 'vmlinux',
      initrdPath: 'i',
      commandLine: ['root=/dev/vda', 'console=ttyS0'],
      blocks: [
        expect.objectContaining({ file: 'a.img', readOnly: false }),
        expect.objectContaining({ file: '/b', readOnly: true }),
      ],
      cdroms: [{ file: 'c.iso' }, { file: 'd.iso', serial: 'S1' }],
      networks: [],
      rng: true,
      username: 'nobody',
      chroot: '/empty',
      verbose: true,
      entry: 'pvh',
    });
  });

  it('has defaults', () => {
    expect(config('64 vmlinux')).toEqual({
      memoryBytes: 64 * MiB,
      cpus: 1,
      kernelPath: 'vmlinux',
      commandLine: [],
      blocks: [],
      cdroms: [],
      networks: [],
      rng: false,
      verbose: false,
      entry: 'auto',
    });
  });

  it('can be structured-cloned, as it crosses threads', () => {
    const original = config('64 vmlinux --block x quiet');
    expect(structuredClone(original)).toEqual(original);
  });

  it('does not depend on where options stand', () => {
    const expected = config('--rng --block d 64 vmlinux a b');
    expect(config('64 --rng vmlinux a --block d b')).toEqual(expected);
    expect(config('64 vmlinux --block=d --rng -- a b')).toEqual(expected);
  });

  it.each([
    ['', 'No memory size and no kernel given.'],
    ['512', 'No kernel given.'],
    ['--rng', 'No memory size and no kernel given.'],
    ['vmlinux 512', "The memory size 'vmlinux' is not a whole number of MiB."],
    ['-512 vmlinux', "The memory size '-512' is not a whole number of MiB."],
    ['512 vmlinux --cpus 0', '--cpus 0 is not a number of vCPUs.'],
    ['512 vmlinux --cpus 33', '--cpus 33 is not a number of vCPUs.'],
    ['512 vmlinux --cpus two', '--cpus two is not a number of vCPUs.'],
    ['512 vmlinux --cpus=-1', '--cpus -1 is not a number of vCPUs.'],
    ['512 vmlinux --entry bios', '--entry bios is no entry protocol.'],
    ['512 vmlinux --json', '--json only goes with tslaunch doctor.'],
    ['doctor --rng', '--rng does not go with tslaunch doctor.'],
    ['doctor now', "tslaunch doctor takes no argument 'now'."],
    ['512 vmlinux --block a --block a', '--block a is given twice'],
    ['512 vmlinux --block a --block ./b/../a,ro', '--block ./b/../a is given twice'],
    ['512 vmlinux --block /home/me/a --block a', '--block a is given twice'],
  ])('%j is refused', (line, sentence) => {
    expect(() => command(line)).toThrow(sentence);
    expect(() => command(line)).toThrow(UsageError);
  });

  it('may use one disk twice to read', () => {
    expect(config('512 vmlinux --block a,ro --block a,ro').blocks).toHaveLength(2);
  });

  it('asks for help or the version whatever else it says', () => {
    expect(command('--frob --help')).toEqual({ kind: 'help' });
    expect(command('512 --version')).toEqual({ kind: 'version' });
    expect(command('512 vmlinux -- --help').kind).toBe('run');
  });

  it('hands on an unknown option', () => {
    expect(command('512 vmlinux --blok x')).toEqual({ kind: 'unknown', word: '--blok' });
  });

  it('leaves the words of image commands alone', () => {
    expect(command('image create --help')).toEqual({ kind: 'image', words: ['create', '--help'] });
    expect(command('512 image').kind).toBe('run');
  });

  it('asks for the doctor', () => {
    expect(command('doctor')).toEqual({ kind: 'doctor', json: false });
    expect(command('--json doctor')).toEqual({ kind: 'doctor', json: true });
    expect(command('512 doctor').kind).toBe('run');
  });
});

/** What a mistyped option was meant to be: the nearest name, or what QEMU's users write for the same thing. */
import { closestMatch } from 'leven';
import { UsageError } from '../base/errors.ts';
import { OPTIONS } from './options.ts';

/** Options of QEMU's that tslaunch spells differently. */
const QEMU: Readonly<Record<string, string>> = {
  m: 'The memory in MiB is the first argument: tslaunch 512 vmlinux.',
  kernel: 'The kernel is the second argument: tslaunch 512 vmlinux.',
  append: 'Kernel arguments follow the kernel: tslaunch 512 vmlinux root=/dev/vda.',
  smp: 'Did you mean --cpus?',
  drive: 'Did you mean --block?',
  hda: 'Did you mean --block?',
  disk: 'Did you mean --block?',
  nographic: 'Leave it out: the console is always on this terminal.',
};

/** Edits after which a word is no longer taken for a slip of the fingers. */
const FARTHEST = 3;

/** The error for an unknown option, written as `word`. */
export function unknownOption(word: string): UsageError {
  const name = word.replace(/^-+/, '');
  const near = closestMatch(
    name,
    OPTIONS.map(row => row.name),
    { maxDistance: Math.min(FARTHEST, Math.ceil(name.length / 2)) },
  );
  const remedy =
    QEMU[name] ??
    (near
      ? `Did you mean --${near}? A kernel argument that begins with a dash comes after --.`
      : 'See tslaunch --help; a kernel argument that begins with a dash comes after --.');
  return new UsageError(`Unknown option ${word}.`, remedy);
}

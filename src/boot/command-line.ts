/** The kernel's command line: bytes with a zero at the end, at one fixed address. */
import { UsageError } from '../base/errors.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import { COMMAND_LINE, COMMAND_LINE_ROOM } from '../memory/map.ts';

/** COMMAND_LINE_SIZE of Linux on x86 is 2048 bytes with the final zero; an ELF kernel does not say its own figure. */
export const ELF_COMMAND_LINE_MAX = 2047;

/**
 * The bytes to write, final zero included. `max` is what the kernel takes, without the zero. Throws UsageError if the line is
 * longer.
 */
export function encodeCommandLine(line: string, max: number, kernel: string): Uint8Array {
  const text = new TextEncoder().encode(line);
  const room = Math.min(max, COMMAND_LINE_ROOM - 1);
  if (text.length > room) {
    throw new UsageError(
      `The kernel command line is ${text.length} bytes long, but ${kernel} takes at most ${room}.`,
      'Pass fewer or shorter kernel arguments.',
    );
  }
  if (text.includes(0)) {
    throw new UsageError('The kernel command line contains a zero byte.', 'Remove it: it would end the line there.');
  }
  const bytes = new Uint8Array(text.length + 1);
  bytes.set(text);
  return bytes;
}

export function writeCommandLine(memory: GuestMemory, bytes: Uint8Array): void {
  memory.write(COMMAND_LINE, bytes);
}

/** What Node does not say about a terminal: its window size on any descriptor, whichever of the three still is one. */
import { HostError } from '../base/errors.ts';
import { ioctlStruct } from './ioctl.ts';

/** asm-generic/ioctls.h; fills a `struct winsize`: rows, columns, two sizes in pixels, 16 bits each. */
const TIOCGWINSZ = 0x5413;

/** The window on descriptor `fd` in characters; undefined when that is no terminal or the terminal does not know. */
export function windowSize(fd: number): { columns: number; rows: number } | undefined {
  const winsize = new Uint8Array(8);
  try {
    ioctlStruct(fd, 'TIOCGWINSZ', TIOCGWINSZ, winsize);
  } catch (error) {
    if (error instanceof HostError) return undefined;
    throw error;
  }
  const view = new DataView(winsize.buffer);
  const [rows, columns] = [view.getUint16(0, true), view.getUint16(2, true)];
  return rows > 0 && columns > 0 ? { columns, rows } : undefined;
}

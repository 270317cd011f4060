/**
 * Real instructions for the tests: the .text section of the newest kernel that the demo has fetched, or of the running Node
 * itself. Nothing is copied into the tree; the test says which file it read.
 */
import { closeSync, existsSync, openSync, readdirSync, readSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

function kernels(): string[] {
  const cache = process.env.TSLAUNCH_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'tslaunch');
  if (!existsSync(cache)) return [];
  return readdirSync(cache, { withFileTypes: true })
    .filter(entry => entry.isDirectory() && entry.name.startsWith('debian-kernel'))
    .map(entry => join(cache, entry.name, 'vmlinux'))
    .filter(existsSync);
}

export interface Code {
  readonly file: string;
  readonly bytes: Uint8Array;
}

/** Up to `length` bytes of machine code from the middle of an ELF64 file's .text (the largest executable section). */
function textOf(file: string, length: number): Code {
  const fd = openSync(file, 'r');
  try {
    const read = (at: number, size: number) => {
      const buffer = Buffer.alloc(size);
      readSync(fd, buffer, 0, size, at);
      return buffer;
    };
    const header = read(0, 64);
    const [table, entrySize, count] = [
      Number(header.readBigUInt64LE(40)),
      header.readUInt16LE(58),
      header.readUInt16LE(60),
    ];
    let best = { offset: 0, size: 0 };
    for (let i = 0; i < count; i++) {
      const section = read(table + i * entrySize, 64);
      const executable = (section.readBigUInt64LE(8) & 4n) !== 0n && section.readUInt32LE(4) === 1;
      const size = Number(section.readBigUInt64LE(32));
      if (executable && size > best.size) best = { offset: Number(section.readBigUInt64LE(24)), size };
    }
    const size = Math.min(length, best.size);
    return { file, bytes: read(best.offset + Math.floor((best.size - size) / 2), size) };
  } finally {
    closeSync(fd);
  }
}

export function realCode(length: number): Code {
  return textOf(kernels()[0] ?? process.execPath, length);
}

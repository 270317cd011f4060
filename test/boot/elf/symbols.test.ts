import { describe, expect, it } from 'vitest';
import { readSymbols, symbolAt } from '../../../src/boot/elf/symbols.ts';

/** An ELF with a section table of three: none, symbols, strings. */
function elf(edit: (view: DataView, bytes: Uint8Array) => void = () => {}) {
  const bytes = new Uint8Array(0x400);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setBigUint64(40, 0x100n, true);
  view.setUint16(58, 64, true);
  view.setUint16(60, 3, true);
  const section = (i: number, type: number, offset: number, size: number, link: number) => {
    const at = 0x100 + i * 64;
    view.setUint32(at + 4, type, true);
    view.setBigUint64(at + 24, BigInt(offset), true);
    view.setBigUint64(at + 32, BigInt(size), true);
    view.setUint32(at + 40, link, true);
  };
  section(1, 2, 0x200, 4 * 24, 2);
  section(2, 3, 0x300, 32, 0);
  bytes.set(Buffer.from('\0main\0entry\0data\0'), 0x300);
  const symbol = (i: number, name: number, info: number, shndx: number, value: bigint) => {
    const at = 0x200 + i * 24;
    view.setUint32(at, name, true);
    bytes[at + 4] = info;
    view.setUint16(at + 6, shndx, true);
    view.setBigUint64(at + 8, value, true);
  };
  symbol(1, 1, 0x12, 1, 0xffff_ffff_8100_2000n);
  symbol(2, 6, 0x10, 1, 0xffff_ffff_8100_1000n);
  symbol(3, 12, 0x11, 1, 0xffff_ffff_8100_1800n);
  edit(view, bytes);
  const readInto = (offset: number, target: Uint8Array) => {
    target.set(bytes.subarray(offset, offset + target.length));
    return Math.min(target.length, bytes.length - offset);
  };
  return { path: 'vmlinux', size: bytes.length, readInto };
}

describe("a kernel's symbols", () => {
  const symbols = readSymbols(elf())!;

  it('are its functions and labels, not its data, by address', () => {
    expect(symbols.names).toEqual(['entry', 'main']);
  });

  it('name an address with its distance', () => {
    expect(symbolAt(symbols, 0xffff_ffff_8100_1000n)).toBe('entry');
    expect(symbolAt(symbols, 0xffff_ffff_8100_1fffn)).toBe('entry+0xfff');
    expect(symbolAt(symbols, 0xffff_ffff_8100_201cn)).toBe('main+0x1c');
  });

  it('do not name what is before or far behind them', () => {
    expect(symbolAt(symbols, 0x1000n)).toBeUndefined();
    expect(symbolAt(symbols, 0xffff_ffff_c000_0000n)).toBeUndefined();
  });

  it('are absent from a file without a symbol table, a 32-bit one, and no ELF at all', () => {
    expect(readSymbols(elf(view => view.setUint32(0x100 + 64 + 4, 7, true)))).toBeUndefined();
    expect(readSymbols(elf((_view, bytes) => bytes.set([1], 4)))).toBeUndefined();
    expect(readSymbols(elf((_view, bytes) => bytes.set([0], 0)))).toBeUndefined();
  });

  it('do not mislead: offsets past the end of the file are refused', () => {
    expect(readSymbols(elf(view => view.setBigUint64(40, 0xffff_ffff_ffffn, true)))).toBeUndefined();
    expect(readSymbols(elf(view => view.setBigUint64(0x100 + 64 + 32, 0xffff_ffffn, true)))).toBeUndefined();
    expect(readSymbols(elf(view => view.setUint32(0x100 + 64 + 40, 99, true)))).toBeUndefined();
    expect(readSymbols(elf(view => view.setUint32(0x200 + 24, 0xffff, true)))?.names).toEqual(['entry']);
  });
});

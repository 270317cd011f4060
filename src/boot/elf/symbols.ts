/** The functions' names in an ELF kernel, for traces: `vp_get_status+0x1c` says more than an address. */
import { struct, u8, u16, u32, u64 } from '../../base/struct.ts';
import type { KernelSource } from '../source.ts';
import { EI_CLASS, ELFCLASS64, isElf } from './format.ts';

/** Sorted by address; plain data that crosses threads. */
export interface Symbols {
  readonly addresses: BigUint64Array;
  readonly names: readonly string[];
}

const SHT_SYMTAB = 2;
/** Symbol types that stand for code: none (assembly labels) and functions. */
const CODE_TYPES = [0, 2];
const header = struct(64, { shoff: u64(40), shentsize: u16(58), shnum: u16(60) });
const section = struct(64, { type: u32(4), offset: u64(24), size: u64(32), link: u32(40), entsize: u64(56) });
const symbol = struct(24, { name: u32(0), info: u8(4), shndx: u16(6), value: u64(8) });
/** A symbol table larger than that is no kernel's. */
const LIMIT = 256 << 20;

function read(source: KernelSource, offset: bigint, size: bigint): Uint8Array | undefined {
  if (size > LIMIT || offset + size > BigInt(source.size)) return undefined;
  const bytes = new Uint8Array(Number(size));
  return source.readInto(Number(offset), bytes) === bytes.length ? bytes : undefined;
}

function text(strings: Uint8Array, start: number): string {
  const end = strings.indexOf(0, start);
  return Buffer.from(strings.buffer, strings.byteOffset + start, (end < 0 ? strings.length : end) - start).toString(
    'latin1',
  );
}

/** Undefined for a file that is no 64-bit ELF, has no symbols, or is damaged: a trace then goes without names. */
export function readSymbols(source: KernelSource): Symbols | undefined {
  const head = read(source, 0n, 64n);
  if (!head || !isElf(head) || head[EI_CLASS] !== ELFCLASS64) return undefined;
  const { shoff, shentsize, shnum } = header.over(head);
  const table = shentsize >= section.size ? read(source, shoff, BigInt(shentsize * shnum)) : undefined;
  if (!table) return undefined;
  const at = (i: number) => section.over(table, i * shentsize);
  const index = Array.from({ length: shnum }, (_, i) => i).find(i => at(i).type === SHT_SYMTAB);
  if (index === undefined || at(index).link >= shnum) return undefined;
  const strings = at(at(index).link);
  const symbols = read(source, at(index).offset, at(index).size);
  const names = read(source, strings.offset, strings.size);
  return symbols && names ? sorted(symbols, names) : undefined;
}

function sorted(bytes: Uint8Array, names: Uint8Array): Symbols {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const found: { address: bigint; name: number }[] = [];
  for (let at = 0; at + symbol.size <= bytes.length; at += symbol.size) {
    const [name, info, shndx] = [view.getUint32(at, true), view.getUint8(at + 4), view.getUint16(at + 6, true)];
    if (shndx === 0 || name >= names.length || !CODE_TYPES.includes(info & 15)) continue;
    found.push({ address: view.getBigUint64(at + 8, true), name });
  }
  found.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
  return { addresses: BigUint64Array.from(found, f => f.address), names: found.map(f => text(names, f.name)) };
}

/** No function is longer; beyond that the address belongs to nobody. */
const FARTHEST = 0x10_0000n;

/** `name` or `name+0x1c`; undefined where no symbol is near. */
export function symbolAt({ addresses, names }: Symbols, address: bigint): string | undefined {
  let low = 0;
  let high = addresses.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (addresses[middle]! <= address) low = middle + 1;
    else high = middle;
  }
  if (low === 0 || address - addresses[low - 1]! > FARTHEST) return undefined;
  const offset = address - addresses[low - 1]!;
  return offset === 0n ? names[low - 1] : `${names[low - 1]}+0x${offset.toString(16)}`;
}

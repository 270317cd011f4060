/**
 * What a function's BAR answers: the device's own registers, and over them the MSI-X table and pending bits where the function
 * keeps them in this BAR. Accesses there happen under the function's lock.
 */
import type { Width } from '../base/bits.ts';
import type { RegisterBlock } from '../bus/register-block.ts';
import type { Lock } from '../state/lock.ts';
import { type Msix, type MsixDescription, msixPbaSize, msixTableSize } from './msix.ts';

/** Lays the MSI-X structures over `below`, the device's registers of that BAR. */
export function withMsix(below: RegisterBlock, where: MsixDescription, msix: Msix, lock: Lock): RegisterBlock {
  const table = where.tableOffset;
  const tableEnd = table + msixTableSize(where.vectors);
  const pba = where.pbaOffset;
  const pbaEnd = pba + msixPbaSize(where.vectors);
  if (table < pbaEnd && pba < tableEnd) throw new RangeError(`MSI-X table and pending bits of ${below.name} overlap`);
  const structure = (offset: number) =>
    offset >= table && offset < tableEnd ? 'table' : offset >= pba && offset < pbaEnd ? 'pba' : undefined;

  /** Accesses that leave a structure, or cross a word of one, happen byte by byte. */
  const split = (offset: number, width: Width) => {
    if (width === 1) return false;
    const first = structure(offset);
    const last = structure(offset + width - 1);
    return first !== last || (first !== undefined && (offset & 3) + width > 4);
  };
  const read = (offset: number, width: Width): number => {
    if (split(offset, width)) {
      let value = 0;
      for (let i = width - 1; i >= 0; i--) value = value * 256 + read(offset + i, 1);
      return value;
    }
    const at = structure(offset);
    if (at === 'table') return lock.with(() => msix.readTable(offset - table, width));
    if (at === 'pba') return lock.with(() => msix.readPba(offset - pba, width));
    return below.read(offset, width);
  };
  const write = (offset: number, width: Width, value: number): void => {
    if (split(offset, width)) {
      for (let i = 0; i < width; i++) write(offset + i, 1, (value >>> (8 * i)) & 0xff);
      return;
    }
    const at = structure(offset);
    if (at === 'table') lock.with(() => msix.writeTable(offset - table, width, value));
    else if (at === undefined) below.write(offset, width, value);
  };
  const registerName = (offset: number): string | undefined => {
    const at = structure(offset);
    if (at === 'table') return `MSI-X.${msix.tableName(offset - table)}`;
    return at === 'pba' ? 'MSI-X.pending' : below.registerName?.(offset);
  };
  return { name: below.name, read, write, registerName };
}

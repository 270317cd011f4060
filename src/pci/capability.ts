/**
 * The capability list (PCI Local Bus 3.0, 6.7): a chain of structures behind the header, each with an id and the offset of the
 * next. A capability is a table of registers, like all else; part of one may be a window through which other registers are
 * reached (virtio 1.2, 4.1.4.9).
 */
import { alignUp } from '../base/bits.ts';
import type { RegisterBlock } from '../bus/register-block.ts';
import type { RegisterRow } from '../bus/register-table.ts';
import { CAPABILITIES_START, CONFIG_SIZE } from './config-header.ts';

export const CAPABILITY_ID = { vendor: 0x09, msix: 0x11 } as const;
/** Id and next pointer: the two bytes that every capability starts with. */
export const CAPABILITY_HEADER = 2;

export interface Capability {
  readonly id: number;
  /** Prefix of its registers' names in traces. */
  readonly name: string;
  /** Size in bytes, header included. */
  readonly length: number;
  /** Offsets count from the capability's start; the first two bytes (id, next) are not listed. `reset` is the content. */
  readonly rows: readonly RegisterRow[];
  /** Bytes that are not stored but forwarded, with offsets from the window's start, without the function's lock. */
  readonly window?: { readonly offset: number; readonly size: number; readonly block: RegisterBlock };
}

export interface CapabilityList {
  /** Rows for the function's table, names prefixed, offsets in configuration space. */
  readonly rows: RegisterRow[];
  /** Start of each capability, in the order given. */
  readonly offsets: number[];
  readonly windows: { readonly start: number; readonly end: number; readonly block: RegisterBlock }[];
}

/** Chains capabilities from 0x40 on, each on a four-byte boundary. Throws RangeError when they do not fit. */
export function chainCapabilities(capabilities: readonly Capability[]): CapabilityList {
  const list: CapabilityList = { rows: [], offsets: [], windows: [] };
  let at = CAPABILITIES_START;
  for (const { length } of capabilities) {
    list.offsets.push(at);
    at = alignUp(at + length, 4);
  }
  if (at > CONFIG_SIZE) throw new RangeError(`capabilities need ${at - CONFIG_SIZE} bytes more than there are`);
  capabilities.forEach((capability, i) => {
    const start = list.offsets[i]!;
    const { id, name, rows, window } = capability;
    list.rows.push({ name: `${name}.id`, offset: start, width: 1, reset: id });
    list.rows.push({ name: `${name}.next`, offset: start + 1, width: 1, reset: list.offsets[i + 1] ?? 0 });
    for (const row of rows) {
      if (row.offset < CAPABILITY_HEADER || row.offset + row.width > capability.length) {
        throw new RangeError(`register ${row.name} lies outside capability ${name}`);
      }
      list.rows.push({ ...row, name: `${name}.${row.name}`, offset: start + row.offset });
    }
    if (!window) return;
    const from = start + window.offset;
    list.windows.push({ start: from, end: from + window.size, block: window.block });
  });
  return list;
}

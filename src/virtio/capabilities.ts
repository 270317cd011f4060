/**
 * The vendor capabilities that tell a driver where the structures are (virtio 1.2, 4.1.4):
 *
 *     2 cap_len u8   3 cfg_type u8   4 bar u8   5 id u8   6 padding[2]   8 offset u32   12 length u32
 *
 * and behind that what the type adds: for the notify structure the multiplier at 16, for the PCI configuration access the
 * four bytes of its window at 16.
 */
import type { RegisterBlock } from '../bus/register-block.ts';
import type { RegisterRow } from '../bus/register-table.ts';
import { CAPABILITY_ID, type Capability } from '../pci/capability.ts';
import { COMMON_SIZE } from './common-config.ts';
import { COMMON_OFFSET, DEVICE_OFFSET, ISR_OFFSET, NOTIFY_MULTIPLIER, NOTIFY_OFFSET } from './layout.ts';

/** cfg_type (4.1.4). */
export const CAP = { common: 1, notify: 2, isr: 3, device: 4, pci: 5 } as const;

/** Fields' offsets in a capability. */
export const CAP_FIELD = { length: 2, type: 3, bar: 4, offset: 8, size: 12, extra: 16 } as const;

const PLAIN = 16;
const EXTENDED = 20;

interface Structure {
  readonly name: string;
  readonly type: number;
  readonly offset: number;
  readonly size: number;
}

function rows({ type, offset, size }: Structure, length: number): RegisterRow[] {
  return [
    { name: 'cap_len', offset: CAP_FIELD.length, width: 1, reset: length },
    { name: 'cfg_type', offset: CAP_FIELD.type, width: 1, reset: type },
    { name: 'bar', offset: CAP_FIELD.bar, width: 1, reset: 0 },
    { name: 'offset', offset: CAP_FIELD.offset, width: 4, reset: offset },
    { name: 'length', offset: CAP_FIELD.size, width: 4, reset: size },
  ];
}

function plain(structure: Structure): Capability {
  return { id: CAPABILITY_ID.vendor, name: structure.name, length: PLAIN, rows: rows(structure, PLAIN) };
}

/** The capabilities of a function with so many queues and so many bytes of configuration space (none: no capability). */
export function structureCapabilities(queues: number, configBytes: number): Capability[] {
  const notify = { name: 'notify', type: CAP.notify, offset: NOTIFY_OFFSET, size: queues * NOTIFY_MULTIPLIER };
  const multiplier = { name: 'multiplier', offset: CAP_FIELD.extra, width: 4, reset: NOTIFY_MULTIPLIER } as const;
  const list = [
    plain({ name: 'common', type: CAP.common, offset: COMMON_OFFSET, size: COMMON_SIZE }),
    { ...plain(notify), length: EXTENDED, rows: [...rows(notify, EXTENDED), multiplier] },
    plain({ name: 'isr', type: CAP.isr, offset: ISR_OFFSET, size: 1 }),
  ];
  if (configBytes > 0) list.push(plain({ name: 'device', type: CAP.device, offset: DEVICE_OFFSET, size: configBytes }));
  return list;
}

/** The PCI configuration access capability (4.1.4.9): the driver sets bar, offset and length, `window` does the rest. */
export function accessCapability(window: RegisterBlock): Capability {
  const structure = { name: 'access', type: CAP.pci, offset: 0, size: 0 };
  return {
    id: CAPABILITY_ID.vendor,
    name: structure.name,
    length: EXTENDED,
    rows: rows(structure, EXTENDED).map(row =>
      row.name === 'bar' || row.name === 'offset' || row.name === 'length'
        ? { ...row, writable: row.width === 1 ? 0xff : 0xffff_ffff }
        : row,
    ),
    window: { offset: CAP_FIELD.extra, size: 4, block: window },
  };
}

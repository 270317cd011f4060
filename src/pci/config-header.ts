/**
 * The first 64 bytes of a function's configuration space, header type 0, as a table (PCI Local Bus 3.0, 6.1 and 6.2). What
 * differs from function to function is who it says it is, its BARs, and where its capabilities start.
 */
import type { RegisterRow } from '../bus/register-table.ts';

/** Size of conventional configuration space in bytes. */
export const CONFIG_SIZE = 256;
/** Where capabilities start. */
export const CAPABILITIES_START = 0x40;

/** Offsets that code outside this table needs. */
export const CONFIG = {
  command: 0x04,
  status: 0x06,
  headerType: 0x0e,
  bar0: 0x10,
  capabilityPointer: 0x34,
  interruptLine: 0x3c,
  interruptPin: 0x3d,
} as const;

/** Bits of the command register (6.2.2). */
export const COMMAND = { io: 0x1, memory: 0x2, busMaster: 0x4, parity: 0x40, serr: 0x100, intxDisable: 0x400 } as const;

/** Bits of the status register (6.2.3). */
export const STATUS = { interrupt: 0x8, capabilityList: 0x10 } as const;
/** Error bits of the status register: cleared by writing ones. Nothing here ever sets them. */
const STATUS_ERRORS = 0xf900;

/** Who a function says it is. */
export interface PciIdentity {
  readonly vendorId: number;
  readonly deviceId: number;
  /** 0 when absent. */
  readonly revision?: number;
  /** 24 bits: class, subclass, programming interface, for example 0x010000. */
  readonly classCode: number;
  /** 0 when absent. */
  readonly subsystemVendorId?: number;
  /** 0 when absent. */
  readonly subsystemId?: number;
}

/** Interrupt pin register: INTA#, the only pin that a single-function device may use (6.2.4). */
const INTA = 1;

/** Rows of the header but for the BARs. `firstCapability` is 0 for a function without capabilities. */
export function headerRows(identity: PciIdentity, intx: boolean, firstCapability: number): RegisterRow[] {
  const command = COMMAND.io | COMMAND.memory | COMMAND.busMaster | COMMAND.parity | COMMAND.serr | COMMAND.intxDisable;
  const status = firstCapability === 0 ? 0 : STATUS.capabilityList;
  return [
    { name: 'vendorId', offset: 0x00, width: 2, reset: identity.vendorId },
    { name: 'deviceId', offset: 0x02, width: 2, reset: identity.deviceId },
    { name: 'command', offset: CONFIG.command, width: 2, writable: command },
    { name: 'status', offset: CONFIG.status, width: 2, reset: status, clearedByOne: STATUS_ERRORS },
    { name: 'revision', offset: 0x08, width: 1, reset: identity.revision ?? 0 },
    { name: 'classCode', offset: 0x09, width: 3, reset: identity.classCode },
    { name: 'cacheLineSize', offset: 0x0c, width: 1, writable: 0xff },
    { name: 'latencyTimer', offset: 0x0d, width: 1, writable: 0xff },
    { name: 'headerType', offset: CONFIG.headerType, width: 1 },
    { name: 'bist', offset: 0x0f, width: 1 },
    { name: 'cardbusCis', offset: 0x28, width: 4 },
    { name: 'subsystemVendorId', offset: 0x2c, width: 2, reset: identity.subsystemVendorId ?? 0 },
    { name: 'subsystemId', offset: 0x2e, width: 2, reset: identity.subsystemId ?? 0 },
    { name: 'expansionRom', offset: 0x30, width: 4 },
    { name: 'capabilityPointer', offset: CONFIG.capabilityPointer, width: 1, reset: firstCapability },
    { name: 'interruptLine', offset: CONFIG.interruptLine, width: 1, writable: 0xff },
    { name: 'interruptPin', offset: CONFIG.interruptPin, width: 1, reset: intx ? INTA : 0 },
    { name: 'minGrant', offset: 0x3e, width: 1 },
    { name: 'maxLatency', offset: 0x3f, width: 1 },
  ];
}

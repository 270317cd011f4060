/**
 * What the commands on the control queue do, a row each (virtio 1.2, 5.1.6.5). A command whose feature was not negotiated, that
 * does not exist or whose data makes no sense is answered with an error and changes nothing.
 */
import { readLe } from '../../base/bits.ts';
import { MODES, macNumber, type ReceiveFilter, VLANS } from './receive-filter.ts';
import { F } from './registers.ts';
import { type ControlCommand, parseTables } from './request.ts';

/** What commands act on. */
export interface ControlTarget {
  readonly filter: ReceiveFilter;
  /** Negotiated. */
  readonly features: bigint;
  readonly queuePairs: number;
  setMac(mac: Uint8Array): void;
  setPairs(count: number): void;
  /** Of the GUEST_ features that were negotiated, those that are on. */
  setOffloads(features: bigint): void;
  /** The driver has told the network where it is. */
  announced(): void;
}

interface Row {
  readonly class: number;
  readonly command: number;
  readonly feature: bigint;
  /** Bytes of data, where that is fixed. */
  readonly length?: number;
  /** False for data that makes no sense. */
  readonly act: (target: ControlTarget, data: Uint8Array) => boolean;
}

/** Classes, 5.1.6.5. */
export const CLASS = { rx: 0, mac: 1, vlan: 2, announce: 3, mq: 4, offloads: 5 } as const;

/** Features that CTRL_GUEST_OFFLOADS switches. */
export const GUEST_OFFLOADS = F.GUEST_CSUM | F.GUEST_TSO4 | F.GUEST_TSO6 | F.GUEST_ECN | F.GUEST_USO4 | F.GUEST_USO6;

const ROWS: readonly Row[] = [
  ...MODES.map((mode, command) => ({
    class: CLASS.rx,
    command,
    feature: command < 2 ? F.CTRL_RX : F.CTRL_RX_EXTRA,
    length: 1,
    act: ({ filter }: ControlTarget, data: Uint8Array) => {
      if (data[0]! > 1) return false;
      filter.set(mode, data[0] === 1);
      return true;
    },
  })),
  {
    class: CLASS.mac,
    command: 0,
    feature: F.CTRL_RX,
    act: ({ filter }, data) => {
      const tables = parseTables(data);
      if (tables) filter.setTables(tables.unicast, tables.multicast);
      return tables !== undefined;
    },
  },
  {
    class: CLASS.mac,
    command: 1,
    feature: F.CTRL_MAC_ADDR,
    length: 6,
    act: (target, data) => {
      target.filter.mac = macNumber(data, 0);
      target.setMac(data);
      return true;
    },
  },
  ...[true, false].map((on, command) => ({
    class: CLASS.vlan,
    command,
    feature: F.CTRL_VLAN,
    length: 2,
    act: ({ filter }: ControlTarget, data: Uint8Array) => {
      const id = readLe(data, 0, 2);
      if (id >= VLANS) return false;
      filter.setVlan(id, on);
      return true;
    },
  })),
  {
    class: CLASS.announce,
    command: 0,
    feature: F.GUEST_ANNOUNCE,
    length: 0,
    act: target => {
      target.announced();
      return true;
    },
  },
  {
    class: CLASS.mq,
    command: 0,
    feature: F.MQ,
    length: 2,
    act: (target, data) => {
      const count = readLe(data, 0, 2);
      if (count < 1 || count > target.queuePairs) return false;
      target.setPairs(count);
      return true;
    },
  },
  {
    class: CLASS.offloads,
    command: 0,
    feature: F.CTRL_GUEST_OFFLOADS,
    length: 8,
    act: (target, data) => {
      const wanted = BigInt(readLe(data, 0, 4)) | (BigInt(readLe(data, 4, 4)) << 32n);
      if ((wanted & ~(GUEST_OFFLOADS & target.features)) !== 0n) return false;
      target.setOffloads(wanted);
      return true;
    },
  },
];

/** Does what a command says; false: nothing was done. */
export function execute({ class: kind, command, data }: ControlCommand, target: ControlTarget): boolean {
  const row = ROWS.find(each => each.class === kind && each.command === command);
  if (row === undefined || (target.features & row.feature) === 0n) return false;
  if (row.length !== undefined && data.length !== row.length) return false;
  return row.act(target, data);
}

/** A long-mode CPU with identity-mapped RAM, a device behind it, and code to step through. */
import type { GuestMemory } from '../../../src/memory/guest-memory.ts';
import type { CpuState } from '../../../src/x86/cpu-state.ts';
import { Emulator, type StepResult } from '../../../src/x86/emulate/emulator.ts';
import { CR0 } from '../../../src/x86/system-registers.ts';
import { backing, bytes, type CpuKind, cpu, identityMap, memory, type TestBacking } from '../support.ts';

export const CODE = 0x10_0000;
export const DATA = 0x20_0000;
export const STACK = 0x70_0000;
/** In the identity map, beyond RAM. */
export const DEVICE = 0x3000_0000;

export interface DeviceLog {
  readonly kind: 'read' | 'write';
  readonly gpa: number;
  readonly bytes: string;
}

export interface EmulatedMachine {
  readonly state: CpuState;
  readonly guest: GuestMemory;
  readonly from: TestBacking;
  readonly emulator: Emulator;
  /** What the device saw. */
  readonly log: DeviceLog[];
  /** Bytes that the device answers reads with, from DEVICE on. */
  readonly device: Uint8Array;
  step(code: string): StepResult;
}

/** The device fills the rest of the address space with copies of itself. */
const place = (gpa: number): number => Math.min(gpa % 4096, 4088);

export function machine(kind: CpuKind = 'long', pageFlags?: bigint): EmulatedMachine {
  const guest = memory();
  const from = backing();
  const state = cpu(kind, from);
  if (kind === 'long') identityMap(guest, pageFlags);
  else state.system.cr0 &= ~BigInt(CR0.PG);
  const log: DeviceLog[] = [];
  const device = new Uint8Array(4096);
  const emulator = new Emulator(state, guest, {
    read: (gpa, into) => {
      const at = place(gpa);
      into.set(device.subarray(at, at + into.length));
      log.push({ kind: 'read', gpa, bytes: Buffer.from(into).toString('hex') });
    },
    write: (gpa, data) => {
      device.set(data, place(gpa));
      log.push({ kind: 'write', gpa, bytes: Buffer.from(data).toString('hex') });
    },
  });
  state.setRegister(4, BigInt(STACK));
  return {
    state,
    guest,
    from,
    emulator,
    log,
    device,
    step(code) {
      guest.write(CODE, new Uint8Array(16).fill(0x90));
      guest.write(CODE, bytes(code));
      state.rip = BigInt(CODE);
      return emulator.step();
    },
  };
}

/** Drops to user level. */
export function toUser(state: CpuState): void {
  state.segments.ss.dpl = 3;
  state.segments.cs.dpl = 3;
  state.segments.cs.selector |= 3;
}

/**
 * Keeps KVM's ioeventfds where the guest has put the notify registers: a driver's notification then wakes the service loop
 * without a vCPU leaving KVM. When a BAR moves, whichever thread notices moves the doorbells; in between, notifications
 * arrive as ordinary MMIO exits and ring the same eventfds.
 */
import type { Doorbell, Vm } from '../kvm/vm.ts';
import type { PciFunction } from '../pci/function.ts';
import type { RegisterFile, Slice } from '../state/register-file.ts';

/** The notify registers of one device. */
export interface NotifyRegisters {
  readonly fn: PciFunction;
  /** Index of the BAR they are in. */
  readonly bar: number;
  /** Offset in that BAR for each queue. */
  readonly offsets: readonly number[];
  /** The eventfd of each queue. */
  readonly fds: readonly number[];
}

/** A base no BAR can have: doorbells are not registered. */
const NOWHERE = 0xffff_ffff_ffff_ffffn;

export class Doorbells {
  readonly #vm: Vm;
  readonly #slice: Slice;
  /** Where each device's doorbells are registered now; guarded by the slice's lock. */
  readonly #bases: BigUint64Array;
  readonly #devices: NotifyRegisters[] = [];

  /** `devices` is how many there will be at most. */
  constructor(vm: Vm, registers: RegisterFile, devices: number) {
    this.#vm = vm;
    this.#slice = registers.slice('doorbells', Math.max(devices, 1) * 8);
    const { bytes } = this.#slice;
    this.#bases = new BigUint64Array(bytes.buffer, bytes.byteOffset, Math.max(devices, 1));
  }

  /** Once, on main, before the guest runs. */
  reset(): void {
    this.#bases.fill(NOWHERE);
  }

  add(device: NotifyRegisters): void {
    this.#devices.push(device);
  }

  /** Compares where the notify registers are with where KVM knows them, and mends the difference. */
  update(): void {
    this.#slice.lock.with(() => {
      this.#devices.forEach((device, i) => {
        const window = device.fn.windows()[device.bar]!;
        const wanted = window.enabled && window.space === 'memory' ? BigInt(window.base) : NOWHERE;
        const current = this.#bases[i]!;
        if (wanted === current) return;
        if (current !== NOWHERE) for (const bell of bells(device, current)) this.#vm.releaseDoorbell(bell);
        this.#bases[i] = wanted !== NOWHERE && this.#assign(bells(device, wanted)) ? wanted : NOWHERE;
      });
    });
  }

  /** False where KVM refuses, as when a guest puts two BARs in one place: notifications then stay MMIO exits. */
  #assign(doorbells: readonly Doorbell[]): boolean {
    for (const [n, bell] of doorbells.entries()) {
      try {
        this.#vm.assignDoorbell(bell);
      } catch {
        for (const done of doorbells.slice(0, n)) this.#vm.releaseDoorbell(done);
        return false;
      }
    }
    return true;
  }
}

function bells(device: NotifyRegisters, base: bigint): Doorbell[] {
  return device.offsets.map((offset, queue) => ({
    address: Number(base) + offset,
    length: 2,
    fd: device.fds[queue]!,
  }));
}

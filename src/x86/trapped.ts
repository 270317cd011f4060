/**
 * One trapped access in plain numbers, filled anew at every exit: KVM's account of it, or the reading of its instruction. What a
 * handler gets is one of these, and both have the same form, so that one can be checked against the other.
 */
import type { Exit } from './exit.ts';

export class TrappedAccess {
  /** On the port bus; otherwise in guest-physical memory. */
  port = false;
  write = false;
  /** Port number or guest-physical address. */
  address = 0;
  /** In bytes: 1, 2 or 4 for ports, 1 to 8 for memory. */
  width = 0;
  /** Repetitions of a port access taken at once; 1 for memory. */
  count = 1;
  /** Of a write, the low and high 32 bits, unsigned; 0 of a read. The first item's where there are several. */
  value = 0;
  valueHigh = 0;

  copyFrom(other: TrappedAccess): void {
    this.port = other.port;
    this.write = other.write;
    this.address = other.address;
    this.width = other.width;
    this.count = other.count;
    this.value = other.value;
    this.valueHigh = other.valueHigh;
  }

  /** The same for the search that takes its time (locate.ts). */
  toExit(): Exit {
    const { address, width, count, value, valueHigh } = this;
    if (this.port) {
      const access = { kind: 'io', port: address, width, count } as const;
      return this.write ? { ...access, direction: 'out', value } : { ...access, direction: 'in' };
    }
    const access = { kind: 'mmio', gpa: address, width } as const;
    return this.write ? { ...access, direction: 'write', value, valueHigh } : { ...access, direction: 'read' };
  }
}

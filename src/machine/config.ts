/**
 * What a machine is made of, as plain data: the command line produces it, the Node API takes it, every thread builds its board
 * from a copy of it. Nothing in here is an object with behaviour, so it crosses threads and goes into snapshots as it is.
 */
import type { BlockOption } from '../devices/block/options.ts';
import type { NetOption } from '../devices/net/config.ts';
import type { CdromOption } from '../devices/scsi/options.ts';
import type { Observation } from './observation.ts';

/** How the kernel is entered: `auto` takes the PVH note of a kernel that has one and no Linux 64-bit entry. */
export type EntryProtocol = 'auto' | 'linux' | 'pvh';

export const ENTRY_PROTOCOLS: readonly EntryProtocol[] = ['auto', 'linux', 'pvh'];

/** Most vCPUs a machine may have. */
export const MAX_CPUS = 32;

/** Most devices a machine may have: a slot each on the PCI bus, whose first one is the host bridge's. */
export const MAX_DEVICES = 31;

export interface MachineConfig {
  /** Guest RAM in bytes, a multiple of 1 MiB. */
  readonly memoryBytes: number;
  /** vCPUs, 1 to {@link MAX_CPUS}. */
  readonly cpus: number;
  /** ELF vmlinux or bzImage. */
  readonly kernelPath: string;
  readonly initrdPath?: string;
  /** Kernel arguments, joined by single spaces on their way into the guest. */
  readonly commandLine: readonly string[];
  /** Disks in the order in which the guest sees them. */
  readonly blocks: readonly BlockOption[];
  /** CD-ROM drives with a medium in each. */
  readonly cdroms: readonly CdromOption[];
  /** Network devices in the order in which the guest sees them. */
  readonly networks: readonly NetOption[];
  /** An entropy device. */
  readonly rng: boolean;
  /** User whose rights the launcher keeps once everything is open. */
  readonly username?: string;
  /** Directory that becomes the launcher's root once everything is open. */
  readonly chroot?: string;
  readonly verbose: boolean;
  readonly entry: EntryProtocol;
  /** False: the instruction behind an exit is not read, and KVM's account of it is taken as it is. */
  readonly decode?: boolean;
  /** Absent when nobody wants to see exits. */
  readonly observation?: Observation;
}

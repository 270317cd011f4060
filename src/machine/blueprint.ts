/**
 * Everything a thread needs to build its own board: numbers, strings and one SharedArrayBuffer, so that it can be sent to a
 * worker. Descriptors are numbers because all threads share the process's table.
 */
import type { DeviceConfig } from '../devices/catalog.ts';
import type { CpuidLeaf } from '../kvm/cpuid-leaf.ts';
import type { CpuEntry } from '../x86/cpu-entry.ts';

import type { CrashReport } from './crash-report.ts';
import type { Statistics } from './statistics.ts';
import type { TraceOrder } from './trace-output.ts';

/** The wires of one virtio device, all eventfds. */
export interface DeviceWires {
  /** Wakes the service side: status, configuration and queue changes. */
  readonly control: number;
  /** One for each virtqueue: the driver's notification. */
  readonly doorbells: readonly number[];
  /** One for each MSI-X vector, with the GSI it raises. */
  readonly vectors: readonly { readonly fd: number; readonly gsi: number }[];
}

export interface Blueprint {
  readonly registers: SharedArrayBuffer;
  readonly vmFd: number;
  readonly memoryFd: number;
  /** RAM in bytes. */
  readonly memorySize: number;
  readonly cpus: number;
  /** Virtio devices in slot order, from slot 1. */
  readonly devices: readonly DeviceConfig[];
  readonly wires: readonly DeviceWires[];
  /** Eventfds that tell main: the machine ended; the serial port wants attention. */
  readonly lifecycle: number;
  readonly serial: number;
  readonly verbose: boolean;
  /** The instruction behind each port and memory exit is read. */
  readonly decodesExits: boolean;
  /** Exits are counted and traced; absent when nobody wants to see them. */
  readonly observation?: { readonly trace: TraceOrder | undefined };
  /** SYSCALL needs help on this KVM. */
  readonly completesSystemCalls: boolean;
}

/** What one vCPU thread is told. */
export interface VcpuOrder {
  readonly blueprint: Blueprint;
  readonly id: number;
  readonly fd: number;
  readonly runPageSize: number;
  /** KVM_GET_SUPPORTED_CPUID, as the system returned it. */
  readonly cpuid: readonly CpuidLeaf[];
  readonly tscDeadline: boolean;
  /** Where the first CPU starts; the others wait for INIT and SIPI. */
  readonly entry: CpuEntry | undefined;
}

/** What a vCPU thread says. */
export type VcpuReport =
  | { readonly kind: 'ready'; readonly tid: number }
  | { readonly kind: 'crash'; readonly id: number; readonly what: string; readonly report: CrashReport }
  | { readonly kind: 'statistics'; readonly id: number; readonly statistics: Statistics }
  | { readonly kind: 'fault'; readonly message: string; readonly remedy: string | undefined }
  | { readonly kind: 'stopped' };

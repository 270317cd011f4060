/**
 * /dev/kvm itself: opening it with a sentence for each way it can be missing, and what this KVM supports. Every capability
 * that the launcher needs is checked here, once, so that nothing later fails with a bare errno.
 */
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { HostError } from '../base/errors.ts';
import { ioctl, ioctlStruct } from '../host/ioctl.ts';
import { CAP, KVM, KVM_API_VERSION } from './constants.ts';
import { type CpuidLeaf, decodeCpuid } from './cpuid-leaf.ts';
import { cpuidEntry } from './structs.ts';

const REQUIRED = [
  ['IRQCHIP', CAP.IRQCHIP],
  ['USER_MEMORY', CAP.USER_MEMORY],
  ['EXT_CPUID', CAP.EXT_CPUID],
  ['MP_STATE', CAP.MP_STATE],
  ['IRQ_ROUTING', CAP.IRQ_ROUTING],
  ['IRQFD', CAP.IRQFD],
  ['PIT2', CAP.PIT2],
  ['IOEVENTFD', CAP.IOEVENTFD],
  ['SYNC_REGS', CAP.SYNC_REGS],
  ['IMMEDIATE_EXIT', CAP.IMMEDIATE_EXIT],
] as const;

/** KVM knows a few dozen leaves; this leaves room for newer ones. */
const MOST_CPUID_ENTRIES = 256;

/** True when the CPU virtualises in hardware; otherwise KVM interprets guest code, about a thousand times slower. */
export function hasHardwareVirtualisation(cpuinfo = readFileSync('/proc/cpuinfo', 'latin1')): boolean {
  return /^flags\s*:.*\b(vmx|svm)\b/m.test(cpuinfo);
}

function openError(path: string, code: string | undefined): HostError {
  const details = { syscall: 'open', errno: code ?? 'unknown' };
  switch (code) {
    case 'ENOENT':
      return new HostError(
        `${path} does not exist: this machine offers no KVM.`,
        'Load it with `modprobe kvm_intel` or `modprobe kvm_amd`; in a virtual machine or container, let its host pass KVM through; `tslaunch doctor` tells more.',
        details,
      );
    case 'EACCES':
    case 'EPERM':
      return new HostError(
        `${path} may not be opened by this user.`,
        'Join its group with `sudo usermod -aG kvm $USER` and log in again, or run tslaunch as root.',
        details,
      );
    default:
      return new HostError(`${path} cannot be opened (${code}).`, 'Run `tslaunch doctor` for a diagnosis.', details);
  }
}

export class KvmSystem {
  readonly fd: number;

  constructor(fd: number) {
    this.fd = fd;
  }

  /** Opens `path` and checks version and capabilities. Throws HostError with a remedy. */
  static open(path = '/dev/kvm'): KvmSystem {
    let fd: number;
    try {
      fd = openSync(path, constants.O_RDWR);
    } catch (error) {
      throw openError(path, (error as NodeJS.ErrnoException).code);
    }
    const system = new KvmSystem(fd);
    try {
      system.#checkSupport(path);
    } catch (error) {
      system.close();
      throw error;
    }
    return system;
  }

  #checkSupport(path: string): void {
    let version: number;
    try {
      version = ioctl(this.fd, 'KVM_GET_API_VERSION', KVM.GET_API_VERSION);
    } catch (cause) {
      throw new HostError(
        `${path} is not KVM: it does not answer KVM_GET_API_VERSION.`,
        'Remove it and load KVM again.',
        {
          cause,
        },
      );
    }
    if (version !== KVM_API_VERSION) {
      throw new HostError(
        `KVM has API version ${version}, not ${KVM_API_VERSION}.`,
        'Use a Linux kernel newer than 2.6.22.',
      );
    }
    const missing = REQUIRED.filter(([, capability]) => this.extension(capability) <= 0).map(
      ([name]) => `KVM_CAP_${name}`,
    );
    if (missing.length > 0) {
      throw new HostError(`This KVM lacks ${missing.join(', ')}.`, 'Use a newer host kernel (4.17 or later).');
    }
  }

  /** KVM_CHECK_EXTENSION: 0 when absent. */
  extension(capability: number): number {
    return ioctl(this.fd, 'KVM_CHECK_EXTENSION', KVM.CHECK_EXTENSION, capability);
  }

  get maxCpus(): number {
    return this.extension(CAP.MAX_VCPUS) || this.extension(CAP.NR_VCPUS) || 4;
  }

  /** Bytes of a vCPU's shared run page(s). */
  runPageSize(): number {
    return ioctl(this.fd, 'KVM_GET_VCPU_MMAP_SIZE', KVM.GET_VCPU_MMAP_SIZE);
  }

  /** Every CPUID leaf that this KVM can give a guest. */
  supportedCpuid(): CpuidLeaf[] {
    const buffer = new Uint8Array(8 + MOST_CPUID_ENTRIES * cpuidEntry.size);
    new DataView(buffer.buffer).setUint32(0, MOST_CPUID_ENTRIES, true);
    ioctlStruct(this.fd, 'KVM_GET_SUPPORTED_CPUID', KVM.GET_SUPPORTED_CPUID, buffer);
    return decodeCpuid(buffer);
  }

  createVm(): number {
    return ioctl(this.fd, 'KVM_CREATE_VM', KVM.CREATE_VM, 0);
  }

  close(): void {
    closeSync(this.fd);
  }
}

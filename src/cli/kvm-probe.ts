/**
 * A first look at /dev/kvm, for `--version` and `doctor`: unlike a run, which stops with a sentence, this reports whatever it
 * finds, including a koffi that does not load.
 */
import { closeSync, openSync } from 'node:fs';
import { CAP, KVM } from '../kvm/constants.ts';

export const KVM_DEVICE = '/dev/kvm';

/** Every field that could be found out; `error` is the errno name, or koffi's message. */
export interface KvmProbe {
  readonly apiVersion?: number;
  readonly maxCpus?: number;
  /** Capabilities by name, for those that tslaunch asks for: true if the host has them. */
  readonly capabilities?: Readonly<Record<string, boolean>>;
  /** Why /dev/kvm cannot be opened, for example `ENOENT`. */
  readonly openError?: string;
  /** Why the C library cannot be called. */
  readonly callError?: string;
}

/** What a machine cannot do without. */
const ASKED = ['IRQCHIP', 'USER_MEMORY', 'IRQ_ROUTING', 'IRQFD', 'IOEVENTFD', 'IMMEDIATE_EXIT', 'SYNC_REGS'] as const;

export async function probeKvm(path = KVM_DEVICE): Promise<KvmProbe> {
  const host = await import('../host/libc.ts').catch((error: Error) => error);
  if (host instanceof Error) return { callError: host.message.split('\n', 1)[0] ?? 'unknown' };
  let fd: number;
  try {
    fd = openSync(path, 'r+');
  } catch (error) {
    return { openError: (error as NodeJS.ErrnoException).code ?? String(error) };
  }
  try {
    const ask = (name: keyof typeof CAP) => host.sys.ioctlValue(fd, KVM.CHECK_EXTENSION, CAP[name]);
    const apiVersion = host.sys.ioctlValue(fd, KVM.GET_API_VERSION, 0);
    if (apiVersion < 0) return { callError: `KVM_GET_API_VERSION fails with ${host.errno()}` };
    return {
      apiVersion,
      maxCpus: ask('MAX_VCPUS'),
      capabilities: Object.fromEntries(ASKED.map(name => [name, ask(name) > 0])),
    };
  } finally {
    closeSync(fd);
  }
}

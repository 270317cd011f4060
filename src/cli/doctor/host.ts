/**
 * The host as the doctor sees it: facts read once, by name, so that the findings follow purely and tests can describe any host.
 */
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { totalmem } from 'node:os';
import { delimiter, join } from 'node:path';
import { type KvmProbe, probeKvm } from '../kvm-probe.ts';

export interface HostFacts {
  readonly nodeVersion: string;
  readonly user: string;
  readonly isRoot: boolean;
  /** CAP_NET_ADMIN is in the effective set. */
  readonly netAdmin: boolean;
  /** Inside a container, as far as one can tell. */
  readonly container: boolean;
  /** Processor extension for guests. */
  readonly virtualisation: 'vmx' | 'svm' | undefined;
  readonly kvm: KvmProbe;
  /** Name of the group that owns /dev/kvm if that group may read and write it. */
  readonly kvmGroup: string | undefined;
  /** errno name of opening /dev/net/tun, undefined if it opens. */
  readonly tunError: string | undefined;
  /** In bytes. */
  readonly memoryTotal: number;
  readonly memoryAvailable: number;
  /** Soft and hard limit of open files; Infinity for unlimited. */
  readonly openFiles: { readonly soft: number; readonly hard: number };
  /** Which of the programs asked for are on the PATH. */
  readonly programs: ReadonlySet<string>;
}

/** Programs that some use of tslaunch calls for. */
const PROGRAMS = ['ip', 'qemu-system-x86_64', 'apt-get', 'mke2fs'];
/** Bit of CAP_NET_ADMIN in the capability sets (linux/capability.h). */
const CAP_NET_ADMIN = 12n;

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function openError(path: string): string | undefined {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}

/** A number in a `Name: value` file of /proc, first capture of `pattern`. */
function fact(text: string, pattern: RegExp): string | undefined {
  return pattern.exec(text)?.[1];
}

function kvmGroup(): string | undefined {
  try {
    const { gid, mode } = statSync('/dev/kvm');
    if ((mode & 0o060) !== 0o060 || gid === 0) return undefined;
    return fact(read('/etc/group'), new RegExp(`^([^:]+):[^:]*:${gid}:`, 'm'));
  } catch {
    return undefined;
  }
}

function openFiles(): HostFacts['openFiles'] {
  const [, soft, hard] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(read('/proc/self/limits')) ?? [];
  const number = (text: string | undefined) => (text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text ?? 0));
  return { soft: number(soft), hard: number(hard) };
}

export async function examineHost(): Promise<HostFacts> {
  const status = read('/proc/self/status');
  const meminfo = read('/proc/meminfo');
  const path = (process.env.PATH ?? '').split(delimiter);
  return {
    nodeVersion: process.versions.node,
    user: process.env.USER ?? process.env.LOGNAME ?? '$USER',
    isRoot: process.geteuid?.() === 0,
    netAdmin: ((BigInt(`0x${fact(status, /^CapEff:\s*([0-9a-f]+)/m) ?? 0}`) >> CAP_NET_ADMIN) & 1n) === 1n,
    container:
      existsSync('/.dockerenv') || existsSync('/run/.containerenv') || /(^|\0)container=/.test(read('/proc/1/environ')),
    virtualisation: fact(read('/proc/cpuinfo'), /^flags\s*:.*\b(vmx|svm)\b/m) as HostFacts['virtualisation'],
    kvm: await probeKvm(),
    kvmGroup: kvmGroup(),
    tunError: openError('/dev/net/tun'),
    memoryTotal: totalmem(),
    memoryAvailable: Number(fact(meminfo, /^MemAvailable:\s*(\d+)/m) ?? 0) * 1024,
    openFiles: openFiles(),
    programs: new Set(PROGRAMS.filter(name => path.some(folder => existsSync(join(folder, name))))),
  };
}

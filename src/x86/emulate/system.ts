/** Interrupt instructions, SMAP's and FSGSBASE's switches, time stamps, caches, fences and hints. */
import { linearOf } from '../linear.ts';
import { isReal, privilegeLevel } from '../mode.ts';
import { CR4, FLAG } from '../system-registers.ts';
import { descriptorOf } from './descriptors.ts';
import type { Execution } from './execution.ts';
import { generalProtection, undefinedOpcode, VECTOR } from './fault.ts';
import { OSZAPC } from './flags.ts';
import { type Row, row } from './row.ts';
import { isCanonicalAddress } from './segmentation.ts';

const MSR_TSC = 0x10;
const MSR_KERNEL_GS_BASE = 0xc000_0102;
const MSR_TSC_AUX = 0xc000_0103;
const CR4_TSD = 4;

/** INT n needs a gate that its privilege level may use; INT3 and INTO too. */
function checkGate(x: Execution, vector: number): void {
  if (isReal(x.cpu)) return;
  const long = x.cpu.system.eferLow & 0x400;
  const size = long ? 16 : 8;
  const code = vector * 8 + 2;
  if (vector * size + size - 1 > x.cpu.system.idtLimit) generalProtection(code);
  const high = new Uint8Array(1);
  const at = x.cpu.system.idtBase + BigInt(vector * size + 5);
  x.memory.read(linearOf(at), high, true);
  if (((high[0]! >> 5) & 3) < privilegeLevel(x.cpu)) generalProtection(code);
}

const interrupt = (vector: (x: Execution) => number | undefined) => (x: Execution) => {
  const number = vector(x);
  if (number === undefined) return;
  checkGate(x, number);
  x.interrupt = number;
};

function privileged(x: Execution): void {
  if (privilegeLevel(x.cpu) !== 0) generalProtection();
}

/** CLAC and STAC: #UD, not #GP, for user code. */
const alignmentFlag = (value: number) => (x: Execution) => {
  if (privilegeLevel(x.cpu) !== 0) undefinedOpcode();
  x.setFlags(FLAG.AC, value);
};

const swapgs = (x: Execution): void => {
  if (x.form.mode !== 64) undefinedOpcode();
  privileged(x);
  const { gs } = x.cpu.segments;
  const other = x.cpu.backing.readMsr(MSR_KERNEL_GS_BASE);
  if (other === undefined || !x.cpu.backing.writeMsr(MSR_KERNEL_GS_BASE, gs.base)) generalProtection();
  gs.base = other;
  x.cpu.changed.system = true;
};

function timeStamp(x: Execution): void {
  if (x.cpu.system.cr4Low & CR4_TSD && privilegeLevel(x.cpu) !== 0) generalProtection();
  const tsc = x.cpu.backing.readMsr(MSR_TSC) ?? 0n;
  x.setGeneral(0, 4, tsc);
  x.setGeneral(2, 4, tsc >> 32n);
}

const auxiliary = (x: Execution): bigint => (x.cpu.backing.readMsr(MSR_TSC_AUX) ?? 0n) & 0xffff_ffffn;

const rdtscp = (x: Execution): void => {
  timeStamp(x);
  x.setGeneral(1, 4, auxiliary(x));
};

/** RDPID names a register of 64 bits in 64-bit mode, whatever the prefixes. */
const rdpid = (x: Execution): void => {
  const operand = x.form.operands[0]!;
  if (operand.kind === 'general') x.setGeneral(operand.number, x.form.mode === 64 ? 8 : 4, auxiliary(x));
};

/** Translations are the hypervisor's business: handing the registers back makes KVM look at the page tables anew. */
const invpcid = (x: Execution): void => {
  privileged(x);
  const kind = x.get(0);
  const descriptor = x.read(x.address(16), 8);
  const address = x.read(x.address(16, 8n), 8);
  const pcid = x.cpu.system.cr4Low & CR4.PCIDE;
  if (kind > 3n || descriptor >> 12n !== 0n) generalProtection();
  if (kind < 2n && !pcid && descriptor !== 0n) generalProtection();
  if (kind === 0n && !isCanonicalAddress(x.cpu, address)) generalProtection();
  x.cpu.changed.system = true;
};

function fsgsbase(x: Execution): void {
  if (x.form.mode !== 64 || !(x.cpu.system.cr4Low & CR4.FSGSBASE)) undefinedOpcode();
}
const readBase = (name: 'fs' | 'gs') => (x: Execution) => {
  fsgsbase(x);
  x.set(0, x.cpu.segments[name].base & ((1n << BigInt(x.width(0) * 8)) - 1n));
};
const writeBase = (name: 'fs' | 'gs') => (x: Execution) => {
  fsgsbase(x);
  const base = x.get(0);
  if (!isCanonicalAddress(x.cpu, base)) generalProtection();
  x.cpu.segments[name].base = base;
  x.cpu.changed.system = true;
};

/** RDRAND and RDSEED never run dry here. */
const randomNumber = (x: Execution): void => {
  const value = crypto.getRandomValues(new BigUint64Array(1))[0]!;
  x.set(0, value & ((1n << BigInt(x.width(0) * 8)) - 1n));
  x.setFlags(OSZAPC, FLAG.CF);
};

const nothing = (): void => {};
/** Cache control: the address must be readable, and that is all. */
const touch = (x: Execution): void => {
  x.read(x.address(1), 1);
};

/** LAR, LSL, VERR, VERW: ZF tells whether the selector's segment is there and may be used from here. */
function visible(x: Execution, selector: number, systemTypes: readonly number[]) {
  if ((selector & 0xfffc) === 0) return undefined;
  const found = descriptorOf(x, selector);
  if (!found) return undefined;
  if (!found.s && !systemTypes.includes(found.type)) return undefined;
  const conforming = found.s && (found.type & 0xc) === 0xc;
  const level = Math.max(privilegeLevel(x.cpu), selector & 3);
  return conforming || found.dpl >= level ? found : undefined;
}
const selectorOf = (x: Execution, i: number): number => Number(x.get(i) & 0xffffn);

const lsl = (x: Execution): void => {
  const found = visible(x, selectorOf(x, 1), [1, 2, 3, 9, 11]);
  x.setFlags(FLAG.ZF, found ? FLAG.ZF : 0);
  if (found) x.set(0, BigInt(found.limit));
};
const lar = (x: Execution): void => {
  const found = visible(x, selectorOf(x, 1), [1, 2, 3, 4, 5, 9, 11, 12]);
  x.setFlags(FLAG.ZF, found ? FLAG.ZF : 0);
  if (!found) return;
  const { type, s, dpl, present, avl, l, db, g } = found;
  const high = (type << 8) | (s << 12) | (dpl << 13) | (present << 15);
  x.set(0, BigInt((high | (avl << 20) | (l << 21) | (db << 22) | (g << 23)) >>> 0));
};
const verify = (writable: boolean) => (x: Execution) => {
  const found = visible(x, selectorOf(x, 0), []);
  const code = found && (found.type & 8) !== 0;
  const allowed = found && (writable ? !code && found.type & 2 : !code || found.type & 2);
  x.setFlags(FLAG.ZF, allowed ? FLAG.ZF : 0);
};

const SYSTEM = { system: true } as const;
const FSGS = { ...SYSTEM, feature: 'fsgsbase', faults: 'UD GP', manual: 'RDFSBASE/RDGSBASE' } as const;
const WRITE_BASE = { ...FSGS, manual: 'WRFSBASE/WRGSBASE' } as const;
const fence = (digit: number, name: string): Row[] =>
  Array.from({ length: 8 }, (_, i) =>
    row(`NP.0F AE =${(0xc0 | (digit << 3) | i).toString(16).toUpperCase()}`, name, '', nothing),
  );

export const rows: readonly Row[] = [
  row(
    'CC',
    'int3',
    '',
    interrupt(() => VECTOR.BP),
    { ...SYSTEM, manual: 'INT n/INTO/INT3/INT1' },
  ),
  row(
    'CD',
    'int',
    'Ib',
    interrupt(x => x.byte(0)),
    { ...SYSTEM, faults: 'GP', manual: 'INT n/INTO/INT3/INT1' },
  ),
  row(
    'CE',
    'into',
    '',
    interrupt(x => (x.flags & FLAG.OF ? VECTOR.OF : undefined)),
    {
      ...SYSTEM,
      modes: 'legacy',
      manual: 'INT n/INTO/INT3/INT1',
    },
  ),
  row(
    'F1',
    'int1',
    '',
    x => {
      x.interrupt = VECTOR.DB;
    },
    { ...SYSTEM, manual: 'INT n/INTO/INT3/INT1' },
  ),
  row('NP.0F 01 =CA', 'clac', '', alignmentFlag(0), { ...SYSTEM, feature: 'smap', faults: 'UD' }),
  row('NP.0F 01 =CB', 'stac', '', alignmentFlag(FLAG.AC), { ...SYSTEM, feature: 'smap', faults: 'UD' }),
  row('NP.0F 01 =F8', 'swapgs', '', swapgs, { ...SYSTEM, faults: 'UD GP' }),
  row('NP.0F 01 =F9', 'rdtscp', '', rdtscp, { ...SYSTEM, feature: 'rdtscp', faults: 'GP' }),
  row('0F 31', 'rdtsc', '', timeStamp, { ...SYSTEM, faults: 'GP' }),
  row('F3.0F C7 /7', 'rdpid', 'Ry', rdpid, { ...SYSTEM, feature: 'rdpid' }),
  row('0F C7 /6', 'rdrand', 'Rv', randomNumber, { ...SYSTEM, feature: 'rdrand', flags: 'OSZAPC' }),
  row('0F C7 /7', 'rdseed', 'Rv', randomNumber, { ...SYSTEM, feature: 'rdseed', flags: 'OSZAPC' }),
  row('0F 0B', 'ud2', '', undefinedOpcode, { ...SYSTEM, faults: 'UD', manual: 'UD' }),
  row('0F B9', 'ud1', 'Gv Ev', undefinedOpcode, { ...SYSTEM, faults: 'UD', manual: 'UD' }),
  row('0F FF', 'ud0', 'Gv Ev', undefinedOpcode, { ...SYSTEM, faults: 'UD', manual: 'UD' }),
  row('66.0F38 82', 'invpcid', 'Gq Mdq', invpcid, { ...SYSTEM, feature: 'invpcid' }),
  row('F3.0F AE /0', 'rdfsbase', 'Ry', readBase('fs'), FSGS),
  row('F3.0F AE /1', 'rdgsbase', 'Ry', readBase('gs'), FSGS),
  row('F3.0F AE /2', 'wrfsbase', 'Ry', writeBase('fs'), WRITE_BASE),
  row('F3.0F AE /3', 'wrgsbase', 'Ry', writeBase('gs'), WRITE_BASE),
  ...fence(5, 'lfence'),
  ...fence(6, 'mfence'),
  ...fence(7, 'sfence'),
  row('NP.0F AE /7', 'clflush', 'Mb', touch),
  row('66.0F AE /7', 'clflushopt', 'Mb', touch, { feature: 'clflushopt' }),
  row('66.0F AE /6', 'clwb', 'Mb', touch, { feature: 'clwb' }),
  row('F3.0F 1E =FA', 'endbr64', '', nothing),
  row('F3.0F 1E =FB', 'endbr32', '', nothing),
  row('0F 1E', 'nop', 'Ev', nothing),
  row('0F 1F', 'nop', 'Ev', nothing),
  row('0F 18', 'prefetch', 'Ev', nothing, { manual: 'PREFETCHh' }),
  row('0F 0D', 'prefetchw', 'Mb', nothing, { manual: 'PREFETCHW' }),
  row('0F 02', 'lar', 'Gv Ew', lar, { ...SYSTEM, flags: 'Z' }),
  row('0F 03', 'lsl', 'Gv Ew', lsl, { ...SYSTEM, flags: 'Z' }),
  row('0F 00 /4', 'verr', 'Ew', verify(false), { ...SYSTEM, flags: 'Z', manual: 'VERR/VERW' }),
  row('0F 00 /5', 'verw', 'Ew', verify(true), { ...SYSTEM, flags: 'Z', manual: 'VERR/VERW' }),
];

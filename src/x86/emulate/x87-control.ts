/** The x87 unit's control: initialise, control and status words, environment, WAIT. A kernel uses these even if nobody computes with it. */
import { CR0 } from '../system-registers.ts';
import type { Execution } from './execution.ts';
import { CpuFault, VECTOR } from './fault.ts';
import type { FpuState } from './fpu-state.ts';
import { type Row, row } from './row.ts';

/** Exception flags of the status word, and its summary bits: ES 7, busy 15. */
const EXCEPTIONS = 0x3f;
const SUMMARY = 0x8080;
const FOUR_OPERANDS = 28;

/** ES and B follow from the flags that are not masked. */
export function summarise(fpu: FpuState, status: number): number {
  const pending = status & ~fpu.controlWord & EXCEPTIONS;
  return pending ? status | SUMMARY : status & ~SUMMARY;
}

/** #MF if an unmasked exception is pending: every waiting x87 instruction starts with this. */
export function checkPending(x: Execution): void {
  if (x.fpu.statusWord & 0x80) throw new CpuFault(VECTOR.MF);
}

const wait = (x: Execution): void => {
  const { cr0Low } = x.cpu.system;
  if ((cr0Low & (CR0.MP | CR0.TS)) === (CR0.MP | CR0.TS)) throw new CpuFault(VECTOR.NM);
  checkPending(x);
};

const fldcw = (x: Execution): void => {
  checkPending(x);
  x.fpu.controlWord = Number(x.get(0));
  x.fpu.statusWord = summarise(x.fpu, x.fpu.statusWord);
};

const fnclex = (x: Execution): void => {
  x.fpu.statusWord = x.fpu.statusWord & 0x7f00;
};

const EMPTY = 3;
/** The two-bit tag of physical register `i`: 0 valid, 1 zero, 2 special, 3 empty. */
function fullTag(fpu: FpuState, i: number): number {
  if (!((fpu.tags >> i) & 1)) return EMPTY;
  const top = (fpu.statusWord >> 11) & 7;
  const value = fpu.readSt((i - top) & 7);
  const exponent = Number(value >> 64n) & 0x7fff;
  const significand = BigInt.asUintN(64, value);
  if (exponent === 0) return significand === 0n ? 1 : 2;
  return exponent === 0x7fff || significand >> 63n === 0n ? 2 : 0;
}

export function tagWord(fpu: FpuState): number {
  let word = 0;
  for (let i = 0; i < 8; i++) word |= fullTag(fpu, i) << (2 * i);
  return word;
}

/** FNSTENV, protected-mode format with 4-byte fields; all exceptions are masked afterwards. */
const fnstenv = (x: Execution): void => {
  const wide = x.form.operandSize !== 2;
  const step = wide ? 4 : 2;
  const image = new Uint8Array(step * 7);
  const view = new DataView(image.buffer);
  if (wide) image.fill(0xff);
  const legacy = new DataView(x.fpu.legacyRegion().buffer);
  const put = (i: number, value: number) => view.setUint16(i * step, value, true);
  put(0, x.fpu.controlWord);
  put(1, x.fpu.statusWord);
  put(2, tagWord(x.fpu));
  if (wide) {
    view.setUint32(12, legacy.getUint32(8, true), true);
    view.setUint32(16, legacy.getUint16(12, true) | (legacy.getUint16(6, true) << 16), true);
    view.setUint32(20, legacy.getUint32(16, true), true);
    view.setUint32(24, 0xffff_0000 | legacy.getUint16(20, true), true);
  }
  x.memory.write(x.address(image.length), image);
  x.fpu.controlWord = x.fpu.controlWord | EXCEPTIONS;
  x.fpu.statusWord = x.fpu.statusWord & ~SUMMARY;
};

const fldenv = (x: Execution): void => {
  checkPending(x);
  const step = x.form.operandSize === 2 ? 2 : 4;
  const image = new Uint8Array(step * 7);
  x.memory.read(x.address(step === 4 ? FOUR_OPERANDS : image.length), image);
  const view = new DataView(image.buffer);
  const tags = view.getUint16(step * 2, true);
  let abridged = 0;
  for (let i = 0; i < 8; i++) if (((tags >> (2 * i)) & 3) !== EMPTY) abridged |= 1 << i;
  x.fpu.controlWord = view.getUint16(0, true);
  x.fpu.tags = abridged;
  const status = view.getUint16(step, true);
  x.fpu.setTop(status >> 11);
  x.fpu.statusWord = summarise(x.fpu, status & 0x7f7f);
};

const X87 = { unit: 'x87' } as const;

export const rows: readonly Row[] = [
  row('9B', 'fwait', '', wait, { faults: 'NM MF', manual: 'WAIT/FWAIT' }),
  row('DB =E3', 'fninit', '', x => x.fpu.initX87(), { ...X87, manual: 'FINIT/FNINIT' }),
  row('DB =E2', 'fnclex', '', fnclex, { ...X87, manual: 'FCLEX/FNCLEX' }),
  row('D9 /5', 'fldcw', 'Mw', fldcw, { ...X87, faults: 'MF' }),
  row('D9 /7', 'fnstcw', 'Mw', x => x.set(0, BigInt(x.fpu.controlWord)), { ...X87, manual: 'FSTCW/FNSTCW' }),
  row('DD /7', 'fnstsw', 'Mw', x => x.set(0, BigInt(x.fpu.statusWord)), { ...X87, manual: 'FSTSW/FNSTSW' }),
  row('DF =E0', 'fnstsw', '', x => x.setGeneral(0, 2, BigInt(x.fpu.statusWord)), { ...X87, manual: 'FSTSW/FNSTSW' }),
  row('D9 /6', 'fnstenv', 'M', fnstenv, { ...X87, manual: 'FSTENV/FNSTENV' }),
  row('D9 /4', 'fldenv', 'M', fldenv, { ...X87, system: true, faults: 'MF' }),
];

/** Saving and restoring FPU and vector state: FXSAVE, XSAVE in its forms, XRSTOR, XGETBV, XSETBV, MXCSR (Intel SDM volume 1, 10.5 and 13). */

import { privilegeLevel } from '../mode.ts';
import { CR4 } from '../system-registers.ts';
import type { Execution } from './execution.ts';
import { generalProtection, undefinedOpcode } from './fault.ts';
import { type Row, row } from './row.ts';
import { COMPONENT, MXCSR_INIT, MXCSR_MASK } from './xsave-area.ts';
import { type Component, components, XSAVE_HEADER } from './xsave-layout.ts';

const LEGACY = 512;
const COMPACTED = 1n << 63n;
/** Bytes of the legacy region by owner. */
const X87 = [
  [0, 24],
  [32, 160],
] as const;
const MXCSR = [24, 32] as const;
const XMM = [160, 416] as const;

function area(x: Execution, alignment: number, length: number) {
  const at = x.address(length);
  if (at.lo & (alignment - 1)) generalProtection();
  return at;
}

const copyRange = (from: Uint8Array, to: Uint8Array, [start, end]: readonly [number, number]): void =>
  to.set(from.subarray(start, end), start);

const fxsave = (x: Execution): void => {
  const at = area(x, 16, LEGACY);
  const image = new Uint8Array(416);
  image.set(x.fpu.legacyRegion().subarray(0, 416));
  x.memory.write(at, image);
};

function checkMxcsr(value: number): void {
  if (value & ~MXCSR_MASK) generalProtection();
}

const fxrstor = (x: Execution): void => {
  const at = area(x, 16, LEGACY);
  const image = new Uint8Array(LEGACY);
  x.memory.read(at, image);
  const mxcsr = new DataView(image.buffer).getUint32(MXCSR[0], true);
  checkMxcsr(mxcsr);
  for (const range of [...X87, XMM]) x.fpu.restore(image, range[0], range[0], range[1] - range[0], COMPONENT.x87);
  x.fpu.setPresent(COMPONENT.sse, true);
  x.fpu.mxcsr = mxcsr;
};

/** Components asked for by EDX:EAX and enabled in XCR0. */
function requested(x: Execution): bigint {
  if (!(x.cpu.system.cr4Low & CR4.OSXSAVE)) undefinedOpcode();
  return ((x.general(2, 4) << 32n) | x.general(0, 4)) & x.cpu.backing.xcr0();
}

const bit = (component: number): bigint => 1n << BigInt(component);

/** Writes a whole image: `optimized` leaves out components in their initial state, `compact` packs those asked for. */
const xsave =
  (optimized: boolean, compact: boolean, supervisor = false) =>
  (x: Execution) => {
    if (supervisor && privilegeLevel(x.cpu) !== 0) generalProtection();
    const wanted = requested(x);
    const inUse = BigInt(x.fpu.present) & wanted;
    const parts = components(x.cpu, wanted, compact);
    const end = parts.reduce((last, part) => Math.max(last, part.at + part.size), LEGACY + XSAVE_HEADER);
    const at = area(x, 64, end);
    const image = new Uint8Array(end);
    x.memory.checkWrite(at, end);
    x.memory.read(at, image);
    const view = new DataView(image.buffer);
    const legacy = x.fpu.legacyRegion();
    const stored = optimized ? inUse : wanted;
    if (stored & bit(0)) for (const range of X87) copyRange(legacy, image, range);
    if (wanted & 6n && (!compact || stored & 2n)) copyRange(legacy, image, MXCSR);
    if (stored & bit(1)) copyRange(legacy, image, XMM);
    for (const part of parts) if (stored & bit(part.number)) x.fpu.save(image, part);
    const old = compact ? 0n : view.getBigUint64(LEGACY, true) & ~wanted;
    view.setBigUint64(LEGACY, old | inUse, true);
    if (compact) {
      view.setBigUint64(LEGACY + 8, wanted | COMPACTED, true);
      image.fill(0, LEGACY + 16, LEGACY + XSAVE_HEADER);
    }
    x.memory.write(at, image);
  };

function readHeader(x: Execution) {
  const at = area(x, 64, LEGACY + XSAVE_HEADER);
  const image = new Uint8Array(LEGACY + XSAVE_HEADER);
  x.memory.read(at, image);
  const view = new DataView(image.buffer);
  return { at, present: view.getBigUint64(LEGACY, true), compaction: view.getBigUint64(LEGACY + 8, true), view };
}

const xrstor = (supervisor: boolean) => (x: Execution) => {
  if (supervisor && privilegeLevel(x.cpu) !== 0) generalProtection();
  const wanted = requested(x);
  const { present, compaction, view } = readHeader(x);
  const compact = (compaction & COMPACTED) !== 0n;
  const xcr0 = x.cpu.backing.xcr0();
  if (supervisor && !compact) generalProtection();
  if (!compact && compaction !== 0n) generalProtection();
  if (present & ~(compact ? compaction & xcr0 : xcr0) || (compact && compaction & ~(xcr0 | COMPACTED)))
    generalProtection();
  for (let at = 16; at < (compact ? 64 : 24); at += 8) if (view.getBigUint64(LEGACY + at, true)) generalProtection();
  const parts = components(x.cpu, compact ? compaction & ~COMPACTED : wanted, compact);
  const end = parts.reduce((last, part) => Math.max(last, part.at + part.size), LEGACY + XSAVE_HEADER);
  const image = new Uint8Array(end);
  x.memory.read(area(x, 64, end), image);
  restoreLegacy(x, image, wanted, present, compact);
  for (const part of parts) restorePart(x, image, part, wanted, present);
};

function restoreLegacy(x: Execution, image: Uint8Array, wanted: bigint, present: bigint, compact: boolean): void {
  const mxcsr = new DataView(image.buffer).getUint32(MXCSR[0], true);
  const loadsMxcsr = compact ? wanted & 2n : wanted & 6n;
  if (loadsMxcsr && (!compact || present & 2n)) checkMxcsr(mxcsr);
  if (wanted & 1n) {
    if (present & 1n) for (const [start, end] of X87) x.fpu.restore(image, start, start, end - start, COMPONENT.x87);
    x.fpu.setPresent(COMPONENT.x87, (present & 1n) !== 0n);
  }
  if (wanted & 2n) {
    if (present & 2n) x.fpu.restore(image, XMM[0], XMM[0], XMM[1] - XMM[0], COMPONENT.sse);
    x.fpu.setPresent(COMPONENT.sse, (present & 2n) !== 0n);
  }
  if (loadsMxcsr) x.fpu.mxcsr = compact && !(present & 2n) ? MXCSR_INIT : mxcsr;
}

function restorePart(x: Execution, image: Uint8Array, part: Component, wanted: bigint, present: bigint): void {
  const mask = bit(part.number);
  if (!(wanted & mask)) return;
  if (present & mask) x.fpu.restore(image, part.at, part.standard, part.size, Number(mask));
  x.fpu.setPresent(Number(mask), (present & mask) !== 0n);
}

const xgetbv = (x: Execution): void => {
  if (!(x.cpu.system.cr4Low & CR4.OSXSAVE)) undefinedOpcode();
  const index = x.general(1, 4);
  if (index > 1n) generalProtection();
  const value = index === 0n ? x.cpu.backing.xcr0() : x.cpu.backing.xcr0() & BigInt(x.fpu.present);
  x.setGeneral(0, 4, value);
  x.setGeneral(2, 4, value >> 32n);
};

const xsetbv = (x: Execution): void => {
  if (!(x.cpu.system.cr4Low & CR4.OSXSAVE)) undefinedOpcode();
  if (privilegeLevel(x.cpu) !== 0 || x.general(1, 4) !== 0n) generalProtection();
  const value = (x.general(2, 4) << 32n) | x.general(0, 4);
  const [low, , , high] = x.cpu.backing.cpuid(0xd, 0);
  const supported = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
  // x87 always; AVX only with SSE; AVX-512 all or nothing, and with AVX.
  const avx512 = value & 0xe0n;
  const sound = value & 1n && (!(value & 4n) || value & 2n) && (!avx512 || (avx512 === 0xe0n && value & 4n));
  if (!sound || value & ~supported) generalProtection();
  x.cpu.backing.setXcr0(value);
};

const ldmxcsr = (x: Execution): void => {
  const value = Number(x.get(0));
  checkMxcsr(value);
  x.fpu.mxcsr = value;
};
const stmxcsr = (x: Execution): void => x.set(0, BigInt(x.fpu.mxcsr));

const SYSTEM = { system: true, unit: 'x87' } as const;
const XSAVE = { ...SYSTEM, feature: 'xsave', faults: 'UD' } as const;
const SSE = { unit: 'sse', manual: '' } as const;

export const rows: readonly Row[] = [
  row('NP.0F AE /0', 'fxsave', 'M', fxsave, SYSTEM),
  row('NP.0F AE /1', 'fxrstor', 'M', fxrstor, SYSTEM),
  row('NP.0F AE /2', 'ldmxcsr', 'Md', ldmxcsr, { ...SSE, system: true, manual: 'LDMXCSR' }),
  row('NP.0F AE /3', 'stmxcsr', 'Md', stmxcsr, { ...SSE, manual: 'STMXCSR' }),
  row('NP.0F AE /2', 'vldmxcsr', 'Md', ldmxcsr, { vex: true, l: 0, unit: 'avx', system: true, manual: 'LDMXCSR' }),
  row('NP.0F AE /3', 'vstmxcsr', 'Md', stmxcsr, { vex: true, l: 0, unit: 'avx', manual: 'STMXCSR' }),
  row('NP.0F AE /4', 'xsave', 'M', xsave(false, false), XSAVE),
  row('NP.0F AE /5', 'xrstor', 'M', xrstor(false), XSAVE),
  row('NP.0F AE /6', 'xsaveopt', 'M', xsave(true, false), { ...XSAVE, feature: 'xsaveopt' }),
  row('NP.0F C7 /4', 'xsavec', 'M', xsave(true, true), { ...XSAVE, feature: 'xsavec' }),
  row('NP.0F C7 /5', 'xsaves', 'M', xsave(true, true, true), { ...XSAVE, feature: 'xsaves' }),
  row('NP.0F C7 /3', 'xrstors', 'M', xrstor(true), { ...XSAVE, feature: 'xsaves' }),
  row('NP.0F 01 =D0', 'xgetbv', '', xgetbv, { system: true, feature: 'xsave', faults: 'UD GP' }),
  row('NP.0F 01 =D1', 'xsetbv', '', xsetbv, { system: true, feature: 'xsave', faults: 'UD GP' }),
];

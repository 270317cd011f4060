/**
 * Runs every row of the emulator's table in random states here and on the host's own CPU, and compares all registers, flags and memory.
 * A row that the host lacks, or that user space may not run, is skipped by name and reason.
 */
import { GuestMemory } from '../../src/memory/guest-memory.ts';
import { type CpuState, KVM_ORDER, RFLAGS } from '../../src/x86/cpu-state.ts';
import { decodeForm } from '../../src/x86/emulate/decode-form.ts';
import { Emulator } from '../../src/x86/emulate/emulator.ts';
import { OSZAPC } from '../../src/x86/emulate/flags.ts';
import { FpuState } from '../../src/x86/emulate/fpu-state.ts';
import type { Row } from '../../src/x86/emulate/row.ts';
import { Vec } from '../../src/x86/emulate/vec.ts';
import { FLAG } from '../../src/x86/system-registers.ts';
import { extended, fillVector, integer, mxcsr, type Sample, sample } from './generate.ts';
import { hostFeatures, LAYOUT, NativeCpu, WINDOW, XSAVE_MASK } from './native.ts';
import { backing, cpu as makeCpu, random as seeded, type TestBacking } from './support.ts';

/** States a row. The full proof takes 10,000 (TSLAUNCH_STATES=10000, some minutes on an idle machine); the test command takes a sample. */
export const STATES = Number(process.env.TSLAUNCH_STATES ?? 150);
const STATES_AN_ENCODING = 50;

const FLAG_LETTERS: Readonly<Record<string, number>> = {
  O: FLAG.OF,
  S: FLAG.SF,
  Z: FLAG.ZF,
  A: FLAG.AF,
  P: FLAG.PF,
  C: FLAG.CF,
};

/** Flags that a row leaves undefined. */
function undefinedFlags(row: Row): number {
  let mask = 0;
  for (const letter of row.flags) if (letter >= 'a') mask |= FLAG_LETTERS[letter.toUpperCase()]!;
  return mask;
}

/** Why the host cannot judge a row, or undefined. */
export function skipReason(row: Row): string | undefined {
  if (row.system) return 'a system instruction';
  if (/^(j|call|ret|loop)/.test(row.name)) return 'a branch';
  if (row.operands.some(({ kind }) => kind === 'O')) return 'an absolute address';
  const needed = row.feature ?? (row.unit === 'avx' ? 'avx' : undefined);
  if (needed && !hostFeatures.has(needed)) return `the host has no ${needed}`;
  return undefined;
}

export interface Verdict {
  readonly states: number;
  /** States in which both agreed that the instruction runs. */
  readonly ran: number;
  /** The first disagreement. */
  readonly failure: string | undefined;
}

export class Differential {
  readonly #native = new NativeCpu();
  readonly #backing = { ...backing(), xcr0: () => BigInt(XSAVE_MASK), cpuid: leaves(this.#native) };
  readonly #layout = {
    opmask: this.#backing.cpuid(0xd, 5)[1],
    zmmHigh: this.#backing.cpuid(0xd, 6)[1],
    hi16: this.#backing.cpuid(0xd, 7)[1],
  };
  readonly #cpu: CpuState;
  readonly #guest: Uint8Array;
  readonly #emulator: Emulator;
  readonly #vector = new Vec();
  readonly #other = new Vec();

  constructor() {
    const tables = 0x10_0000;
    this.#guest = new Uint8Array(tables + 5 * 4096);
    const memory = new GuestMemory([{ gpa: 0, bytes: this.#guest }]);
    const from = this.#native.base;
    const index = (shift: bigint, add = 0n) => Number(((from + add) >> shift) & 511n) * 8;
    memory.setU64(tables + index(39n), BigInt(tables + 0x1000) | 7n);
    memory.setU64(tables + 0x1000 + index(30n), BigInt(tables + 0x2000) | 7n);
    // The mapping may straddle a 2 MiB boundary: its page tables are picked page by page.
    for (let page = 0n; page < LAYOUT.size / 4096; page++) {
      const table = tables + (index(21n, page << 12n) === index(21n) ? 0x3000 : 0x4000);
      memory.setU64(tables + 0x2000 + index(21n, page << 12n), BigInt(table) | 7n);
      memory.setU64(table + index(12n, page << 12n), (page << 12n) | 7n);
    }
    this.#cpu = makeCpu('long', this.#backing);
    this.#cpu.system.cr3 = BigInt(tables);
    this.#cpu.segments.ss.dpl = 3;
    this.#emulator = new Emulator(this.#cpu, memory, {
      read: () => {
        throw new Error('no devices here');
      },
      write: () => {
        throw new Error('no devices here');
      },
    });
  }

  close(): void {
    this.#native.close();
  }

  /** Compares one row in `states` states. */
  judge(row: Row, states: number, seed: number): Verdict {
    const random = seeded(seed);
    let ran = 0;
    let done = 0;
    while (done < states) {
      const code = this.#encode(row, random);
      if (!code) return { states: done, ran, failure: `no encoding of ${row.encoding} decodes to its own row` };
      this.#native.load(code.bytes);
      for (let i = 0; i < STATES_AN_ENCODING && done < states; i++, done++) {
        this.#prepare(row, code, random);
        if (undefinedResult(row, code, this.#native.registers[1]!)) continue;
        const failure = this.#compare(row, code);
        if (failure === 'fault') continue;
        if (failure) return { states: done, ran, failure: `seed ${seed}, state ${done}: ${failure}` };
        ran++;
      }
    }
    return { states: done, ran, failure: undefined };
  }

  #encode(row: Row, random: () => number): Sample | undefined {
    for (let i = 0; i < 200; i++) {
      const memory = random() % 2 === 0;
      const code = sample(row, random, memory) ?? sample(row, random, !memory);
      if (!code) continue;
      const form = decodeForm(code.bytes, 0, code.bytes.length, 64);
      if (form?.row !== row || form.size !== code.bytes.length || this.#clashes(row, code, form.modrm)) continue;
      // EVEX scales small displacements; a wrong scale would miss the operand on the CPU.
      if (!code.memory || code.memory.base === 16 || !form.address) return code;
      return { ...code, memory: { ...code.memory, displacement: form.address.displacement } };
    }
    return undefined;
  }

  /** Bit tests in memory need a bit number that the address does not use. */
  #clashes(row: Row, { memory }: Sample, modrm: number): boolean {
    if (!memory || !/^bt/.test(row.name)) return false;
    const reg = (modrm >> 3) & 7;
    return (memory.base & 7) === reg || (memory.index & 7) === reg;
  }

  #prepare(row: Row, code: Sample, random: () => number): void {
    const native = this.#native;
    const { registers, base } = native;
    const pool = [integer(random), integer(random)];
    for (let i = 0; i < 16; i++) registers[i] = random() % 4 ? integer(random) : pool[random() % 2]!;
    registers[4] = base + BigInt(WINDOW.stack + 128 + (random() % 8) * 8);
    const data = native.bytes;
    for (let at = WINDOW.data; at < WINDOW.data + WINDOW.length; at += 32) fillVector(random, data, at);
    for (let at = WINDOW.stack; at < WINDOW.stack + WINDOW.stackLength; at += 32) fillVector(random, data, at);
    if (random() % 2) {
      const view = new DataView(data.buffer, data.byteOffset);
      for (let at = WINDOW.data; at < WINDOW.data + WINDOW.length; at += 8) {
        if (random() % 2) view.setBigUint64(at, pool[random() % 2]!, true);
      }
    }
    const bits = OSZAPC | (row.operands.length === 0 ? FLAG.DF : 0);
    registers[16] = BigInt((random() & bits) | 0x202);
    this.#implicit(row, code, random);
    this.#prepareFpu(random);
    this.#aim(row, code, random);
    this.#mirror();
  }

  /** Registers that an instruction uses without naming them. */
  #implicit(row: Row, code: Sample, random: () => number): void {
    const { registers, base } = this.#native;
    const inside = () => base + BigInt(WINDOW.data + 256 + (random() % 512));
    if (/^(movs|stos|lods|cmps|scas)[bd]$/.test(row.name)) {
      registers[6] = inside();
      registers[7] = inside();
      const prefixed = code.bytes[0] === 0xf3 || code.bytes[0] === 0xf2;
      registers[1] = BigInt(random() % (prefixed ? 20 : 2));
    }
    if (row.name === 'popfq') {
      // No trap flag, no alignment checks: those would stop this process.
      const view = new DataView(this.#native.bytes.buffer, this.#native.bytes.byteOffset);
      view.setUint32(Number(registers[4]! - base), random() & (OSZAPC | FLAG.DF | 0x20_0000), true);
    }
    if (row.name === 'xlatb') registers[3] = inside();
    if (row.name === 'leave') registers[5] = registers[4]!;
    if (row.name === 'maskmovdqu' || row.name === 'vmaskmovdqu') registers[7] = inside();
    if (/^bt/.test(row.name)) {
      const reg = (decodeForm(code.bytes, 0, code.bytes.length, 64)!.operands[1] as { number?: number }).number;
      if (reg !== undefined && code.memory) registers[reg] = BigInt.asUintN(64, BigInt((random() % 2048) - 1024));
    }
  }

  #prepareFpu(random: () => number): void {
    const { input } = this.#native;
    input.fill(0);
    const view = new DataView(input.buffer, input.byteOffset);
    for (let at = 160; at < 416; at += 32) fillVector(random, input, at);
    for (let at = 576; at < 832; at += 32) fillVector(random, input, at);
    // Now and then two neighbours are equal, as operands of compares are.
    if (random() % 4 === 0) input.copyWithin(160, 176, 192);
    this.#prepareX87(random, view);
    view.setUint32(24, mxcsr(random), true);
    let present = random() % 8 ? 7 : 3;
    if (XSAVE_MASK > 7) {
      const { opmask, zmmHigh, hi16 } = this.#layout;
      for (let at = opmask; at < opmask + 64; at += 8)
        view.setBigUint64(at, random() % 4 ? integer(random) : (1n << 64n) - 1n, true);
      for (let at = zmmHigh; at < zmmHigh + 512; at += 32) fillVector(random, input, at);
      for (let at = hi16; at < hi16 + 1024; at += 32) fillVector(random, input, at);
      // In the usual states of AVX-512 all of it or none is in use.
      if (random() % 4) present |= 0xe0;
    }
    view.setUint32(512, present, true);
  }

  /** Any stack top and tags, mostly all in use; values of every class; all exceptions masked, any rounding and precision. */
  #prepareX87(random: () => number, view: DataView): void {
    const precision = [0, 2, 3, 3][random() % 4]!;
    view.setUint16(0, 0x7f | (precision << 8) | ((random() % 2 ? 0 : random() % 4) << 10), true);
    view.setUint16(2, ((random() % 8) << 11) | (random() % 3 ? 0 : random() & 0x473f), true);
    view.setUint8(4, random() % 3 ? 0xff : random() & 0xff);
    for (let i = 0; i < 8; i++) {
      const register = extended(random);
      view.setBigUint64(32 + i * 16, BigInt.asUintN(64, register), true);
      view.setUint16(40 + i * 16, Number(register >> 64n), true);
    }
  }

  /** Makes the address registers point into the data window. */
  #aim(row: Row, code: Sample, random: () => number): void {
    if (!code.memory) return;
    const { base, index, scale, displacement } = code.memory;
    const { registers } = this.#native;
    const aligned = row.operands.some(({ size }) => size === 'x' || size === 'a' || size === 16 || size === 32);
    const offset = WINDOW.data + (aligned ? 256 + (random() % 6) * 64 : 256 + (random() % 384));
    let target = this.#native.base + BigInt(offset) - BigInt(displacement);
    if (index >= 0) {
      registers[index] = BigInt(random() % 100_000);
      target -= registers[index]! * BigInt(scale);
    }
    if (base === 16) {
      // Relative to the next instruction: the displacement is the operand's place.
      const tail = code.bytes.length - 4 - immediateBytes(row, code);
      const next = this.#native.base + BigInt(this.#native.hole + code.bytes.length);
      const distance = Number(this.#native.base + BigInt(offset) - next);
      new DataView(code.bytes.buffer).setInt32(tail, distance, true);
      this.#native.load(code.bytes);
    } else registers[base] = BigInt.asUintN(64, target);
  }

  /** Copies the state to the emulator's side. */
  #mirror(): void {
    const { registers, bytes, input, base, hole } = this.#native;
    const { words } = this.#cpu;
    for (let i = 0; i < 16; i++) words[KVM_ORDER[i]!] = registers[i]!;
    words[RFLAGS] = registers[16]!;
    this.#cpu.rip = base + BigInt(hole);
    const copy = (at: number, length: number) => this.#guest.set(bytes.subarray(at, at + length), at);
    copy(hole, 16);
    copy(WINDOW.data, WINDOW.length);
    copy(WINDOW.stack, WINDOW.stackLength);
    this.#backing.area.set(input);
  }

  #compare(row: Row, code: Sample): string | undefined {
    const { counts } = this.#emulator;
    let result = this.#emulator.step();
    for (
      let i = 0;
      i < 4 && result.kind === 'done' && this.#cpu.rip === this.#native.base + BigInt(this.#native.hole);
      i++
    ) {
      result = this.#emulator.step();
    }
    counts.clear();
    if (result.kind === 'fault') return 'fault';
    const text = () => `${row.encoding} ${row.name} (${Buffer.from(code.bytes).toString('hex')})`;
    if (result.kind !== 'done') return `${text()}: ${result.kind}`;
    const before = [...this.#native.registers];
    this.#native.run();
    const { registers, bytes } = this.#native;
    const { words } = this.#cpu;
    for (let i = 0; i < 16; i++) {
      if (words[KVM_ORDER[i]!] !== registers[i]) {
        return `${text()}: register ${i} is ${hex(words[KVM_ORDER[i]!]!)}, the CPU has ${hex(registers[i]!)} (before ${before.map(hex)})`;
      }
    }
    const wrong = (Number(words[RFLAGS]! ^ registers[16]!) & ~undefinedFlags(row)) >>> 0;
    if (wrong & ~0x1_0000)
      return `${text()}: flags differ in ${hex(BigInt(wrong))}: ${hex(words[RFLAGS]!)}, the CPU has ${hex(registers[16]!)} (before ${before.map(hex)})`;
    for (const [at, length] of [
      [WINDOW.data, WINDOW.length],
      [WINDOW.stack, WINDOW.stackLength],
    ] as const) {
      if (Buffer.compare(this.#guest.subarray(at, at + length), bytes.subarray(at, at + length)) !== 0) {
        const where = this.#guest.subarray(at, at + length).findIndex((byte, i) => byte !== bytes[at + i]);
        return `${text()}: memory differs at ${where}`;
      }
    }
    const vectors = this.#compareVectors();
    return vectors && `${text()}: ${vectors}`;
  }

  #compareVectors(): string | undefined {
    const ours = new FpuState(this.#backing.area, this.#layout);
    const theirs = new FpuState(this.#native.output, this.#layout);
    const before = new FpuState(this.#native.input, this.#layout);
    for (let i = 0; i < (XSAVE_MASK > 7 ? 32 : 16); i++) {
      ours.readVector(i, this.#vector, 64);
      theirs.readVector(i, this.#other, 64);
      if (Buffer.compare(this.#vector.u8, this.#other.u8) !== 0) {
        const show = (vec: Vec) => Buffer.from(vec.u8).toString('hex');
        const [mine, right] = [show(this.#vector), show(this.#other)];
        const all = Array.from({ length: 16 }, (_, j) => {
          before.readVector(j, this.#vector, 64);
          return `${j}:${show(this.#vector)}`;
        });
        return `vector ${i} is ${mine}, the CPU has ${right} (before ${all.join(' ')} mxcsr ${before.mxcsr.toString(16)})`;
      }
    }
    for (let i = 0; XSAVE_MASK > 7 && i < 8; i++) {
      if (ours.readMask(i) !== theirs.readMask(i)) {
        const masks = Array.from({ length: 8 }, (_, j) => hex(before.readMask(j)));
        return `mask ${i} is ${hex(ours.readMask(i))}, the CPU has ${hex(theirs.readMask(i))} (before ${masks})`;
      }
    }
    const x87 = compareX87(ours, theirs);
    if (x87) {
      const registers = Array.from({ length: 8 }, (_, i) => `${i}:${hex(before.readSt(i))}`);
      const words = [before.controlWord, before.statusWord, before.tags].map(word => word.toString(16));
      return `${x87} (before ${registers.join(' ')} control, status, tags ${words.join(' ')})`;
    }
    if (ours.mxcsr !== theirs.mxcsr) {
      const show = (vec: Vec) => Buffer.from(vec.u8).toString('hex');
      const all = Array.from({ length: 16 }, (_, j) => {
        before.readVector(j, this.#vector, 64);
        return `${j}:${show(this.#vector)}`;
      });
      return `MXCSR is ${ours.mxcsr.toString(16)}, the CPU has ${theirs.mxcsr.toString(16)} (before ${before.mxcsr.toString(16)} ${all.join(' ')})`;
    }
    return undefined;
  }
}

/** CPUID of the host, leaf 0DH, asked once. */
function leaves(native: NativeCpu): TestBacking['cpuid'] {
  const known = Array.from({ length: 8 }, (_, i) => native.cpuid(0xd, i));
  return (leaf, subleaf) => (leaf === 0xd ? known[subleaf] : undefined) ?? [0, 0, 0, 0];
}

/** SHLD and SHRD by more than their 16 bits leave everything undefined (SDM volume 2). */
function undefinedResult(row: Row, code: Sample, rcx: bigint): boolean {
  if (!/^sh[lr]d$/.test(row.name)) return false;
  const form = decodeForm(code.bytes, 0, code.bytes.length, 64)!;
  const last = form.operands[2]!;
  const count = Number((last.kind === 'immediate' ? last.value : rcx) & 31n);
  return form.operandSize === 2 && count > 16;
}

function compareX87(ours: FpuState, theirs: FpuState): string | undefined {
  const words = ['controlWord', 'statusWord', 'tags'] as const;
  const wrong = words.find(word => ours[word] !== theirs[word]);
  if (wrong) return `x87 ${wrong} is ${ours[wrong].toString(16)}, the CPU has ${theirs[wrong].toString(16)}`;
  for (let i = 0; i < 8; i++) {
    if (ours.readSt(i) !== theirs.readSt(i))
      return `ST(${i}) is ${hex(ours.readSt(i))}, the CPU has ${hex(theirs.readSt(i))}`;
  }
  return undefined;
}

function immediateBytes(row: Row, code: Sample): number {
  const form = decodeForm(code.bytes, 0, code.bytes.length, 64)!;
  let size = 0;
  for (const spec of row.operands) {
    if (spec.kind === 'L') size++;
    if (spec.kind !== 'I') continue;
    size +=
      spec.size === 'v' ? form.operandSize : spec.size === 'z' ? Math.min(4, form.operandSize) : (spec.size as number);
  }
  return size;
}

const hex = (value: bigint): string => value.toString(16);

/**
 * Runs every case on KVM and in our emulator, from the same random states, and compares what became of registers, segments, MSRs and
 * memory. A program of its own, bundled by the test and run where the KVM is. Prints one JSON object.
 */
import { GuestMemory } from '../../../src/memory/guest-memory.ts';
import { CpuState } from '../../../src/x86/cpu-state.ts';
import { Emulator, type StepResult } from '../../../src/x86/emulate/emulator.ts';
import { SEGMENT_NAMES } from '../../../src/x86/registers.ts';
import { backing, random } from '../support.ts';
import { CASES, type Case, REGISTERS, type Trial } from './cases.ts';
import { KvmSide } from './kvm-side.ts';
import {
  CODE,
  DATA,
  GDT,
  GDT_LIMIT,
  HANDLERS,
  HLT,
  IDT,
  INNER_STACK,
  SELECTOR,
  STACK,
  STAR,
  TASK,
  template,
  WINDOW,
} from './layout.ts';

const SEED = Number(process.argv[3] ?? 0x9e37);
const STATES = Number(process.argv[2] ?? 25);
const RESUME = 0x1_0000n;
const ARITHMETIC = 0xcd5n;
/** CF, PF, AF, ZF, SF, DF, OF, AC, ID. */
const FLAGS = 0x24_0cd5;
const MSRS = {
  STAR: 0xc000_0081,
  LSTAR: 0xc000_0082,
  CSTAR: 0xc000_0083,
  FMASK: 0xc000_0084,
  KERNEL_GS: 0xc000_0102,
  AUX: 0xc000_0103,
};

const kvm = new KvmSide();
const start = template();
const ours = start.slice();
kvm.memory.set(start);
const window = (bytes: Uint8Array) => bytes.subarray(WINDOW.start, WINDOW.end);

/** What a case comes to, in plain words and numbers, the same for both. */
interface Outcome {
  readonly end: string;
  readonly state: Record<string, string>;
}

function arrangeCpu(state: CpuState, next: () => number): void {
  const wide = () => (BigInt(next()) << 32n) | BigInt(next());
  for (let i = 0; i < 16; i++) state.setRegister(i, wide());
  state.setRegister(REGISTERS.RSP, BigInt(STACK));
  state.setRegister(REGISTERS.RDI, BigInt(DATA));
  state.rip = BigInt(CODE);
  state.rflags = BigInt(next() & FLAGS) | 2n;
  for (const segment of Object.values(state.segments)) {
    Object.assign(segment, {
      base: 0n,
      limit: 0xffff_ffff,
      present: 1,
      s: 1,
      type: 3,
      g: 1,
      db: 1,
      selector: SELECTOR.kernelData,
    });
  }
  Object.assign(state.segments.cs, { selector: SELECTOR.kernelCode, type: 11, l: 1, db: 0 });
  Object.assign(state.system, {
    ...{ gdtBase: BigInt(GDT), gdtLimit: GDT_LIMIT, idtBase: BigInt(IDT), idtLimit: 0xfff },
    ...{ cr0: 0x8000_0033n, cr2: 0n, cr3: 0x1000n, cr4: 0x6a0n, efer: 0xd01n },
  });
  const task = new DataView(state.backing.system.buffer, state.backing.system.byteOffset + 144, 48);
  task.setBigUint64(0, TASK.base, true);
  task.setUint32(8, TASK.limit, true);
  task.setUint16(12, TASK.selector, true);
  task.setUint8(14, TASK.type);
  task.setUint8(15, 1);
  // LDTR is empty.
  task.setUint8(24 + 22, 1);
}

function stateOf(state: CpuState, msrs: Map<number, bigint>, { unforeseen = [], lab }: Case): Record<string, string> {
  const all: Record<string, string> = {};
  const put = (name: string, value: bigint | number) => {
    all[name] = value.toString(16);
  };
  for (let i = 0; i < 16; i++) if (!unforeseen.includes(i)) put(`r${i}`, state.register(i));
  put('rip', state.rip);
  put('rflags', state.rflags & ~RESUME & (lab === 'flags' ? ~ARITHMETIC : -1n));
  for (const name of SEGMENT_NAMES) {
    const segment = state.segments[name];
    put(name, segment.selector);
    const empty = (segment.selector & 0xfffc) === 0;
    if (name === 'fs' || name === 'gs') put(`${name}.base`, segment.base);
    if (empty || (name !== 'cs' && name !== 'ss')) continue;
    // The privilege level is in SS.DPL; a flat segment's limit and attributes are what its descriptor says.
    for (const field of ['base', 'limit', 'type', 's', 'dpl', 'present', 'db', 'l', 'g'] as const)
      put(`${name}.${field}`, segment[field]);
  }
  put('kernelGs', msrs.get(MSRS.KERNEL_GS)!);
  return all;
}

/** Only what the frame of an exception that HLT caused in user code tells. */
const USER_STATE = new Set([
  'rip',
  'rflags',
  'cs',
  'ss',
  'r4',
  'fs',
  'gs',
  'ds',
  'es',
  'fs.base',
  'gs.base',
  'kernelGs',
]);
const generalRegisters = (name: string) => /^r\d+$/.test(name);
const userState = (all: Record<string, string>) =>
  Object.fromEntries(Object.entries(all).filter(([name]) => USER_STATE.has(name) || generalRegisters(name)));

/** KVM's side stopped at a HLT: of the code, or of a handler. */
function kvmOutcome(state: CpuState, msrs: Map<number, bigint>, each: Case): Outcome {
  const at = Number(state.rip) - 1;
  if (at < HANDLERS || at >= HANDLERS + 0x1000) {
    state.rip = BigInt(at);
    return { end: 'done', state: stateOf(state, msrs, each) };
  }
  const vector = (at - HANDLERS) >> 4;
  const view = new DataView(kvm.memory.buffer, kvm.memory.byteOffset);
  let frame = Number(state.register(REGISTERS.RSP));
  const hasError = [8, 10, 11, 12, 13, 14, 17].includes(vector);
  const error = hasError ? view.getBigUint64(frame, true) : undefined;
  if (hasError) frame += 8;
  const word = (i: number) => view.getBigUint64(frame + i * 8, true);
  const rip = word(0);
  const level = Number(word(1)) & 3;
  const inCode = rip >= BigInt(CODE & ~0xfff) && rip < BigInt((CODE & ~0xfff) + 0x1000);
  if (
    vector === 13 &&
    level === 3 &&
    error === 0n &&
    inCode &&
    kvm.memory[Number(rip)] === HLT &&
    !(rip === BigInt(CODE))
  ) {
    state.rip = rip;
    state.rflags = word(2);
    state.segments.cs.selector = Number(word(1));
    state.setRegister(REGISTERS.RSP, word(3));
    state.segments.ss.selector = Number(word(4));
    return { end: 'done at level 3', state: userState(stateOf(state, msrs, each)) };
  }
  return {
    end: `vector ${vector}${error === undefined ? '' : ` error ${error.toString(16)}`} at ${rip.toString(16)}`,
    state: {},
  };
}

function ourOutcome(result: StepResult, state: CpuState, msrs: Map<number, bigint>, each: Case): Outcome {
  if (result.kind === 'unknown') return { end: 'unknown', state: {} };
  if (result.kind === 'done') {
    const user = state.segments.ss.dpl === 3;
    const all = stateOf(state, msrs, each);
    return user ? { end: 'done at level 3', state: userState(all) } : { end: 'done', state: all };
  }
  const error =
    result.kind === 'fault' && result.errorCode !== undefined ? ` error ${result.errorCode.toString(16)}` : '';
  return { end: `vector ${result.vector}${error} at ${state.rip.toString(16)}`, state: {} };
}

/** The first place where memory differs. The frame that an exception left on a stack is KVM's alone. */
function memoryDiffers(end: string): string | undefined {
  const theirs = kvm.memory;
  const frames = end === 'done' ? [INNER_STACK] : [INNER_STACK, STACK];
  for (const top of frames) ours.set(theirs.subarray(top - 64, top), top - 64);
  if (Buffer.compare(window(theirs), window(ours)) === 0) return undefined;
  const at = window(theirs).findIndex((byte, i) => byte !== ours[WINDOW.start + i]) + WINDOW.start;
  return `${at.toString(16)}: ${theirs[at]!.toString(16)}, ours ${ours[at]!.toString(16)}`;
}

function compare(each: Case, seed: number): { verdict: 'agrees' | 'refused' | 'differs'; end: string; why?: string } {
  const next = random(seed);
  const msrs = new Map([
    [MSRS.STAR, STAR],
    [MSRS.LSTAR, BigInt(CODE)],
    [MSRS.CSTAR, BigInt(CODE)],
    [MSRS.FMASK, 0x4_7700n],
    [MSRS.KERNEL_GS, 0x1234_5000n],
    [MSRS.AUX, 7n],
  ]);
  window(ours).set(window(start));
  const from = {
    ...backing(),
    msrs,
    readMsr: (i: number) => msrs.get(i),
    writeMsr: (i: number, v: bigint) => msrs.has(i) && !!msrs.set(i, v),
  };
  const cpu = new CpuState(from);
  arrangeCpu(cpu, next);
  const memory = new GuestMemory([{ gpa: 0, bytes: ours }]);
  for (let at = DATA; at < DATA + 0x2000; at += 4) memory.setU32(at, next());
  const trial: Trial = { cpu, memory, msrs, next };
  each.arrange?.(trial);
  memory.write(CODE, Uint8Array.from(each.code(trial)));
  window(kvm.memory).set(window(ours));
  const theirMsrs = new Map(msrs);
  const theirFrom = backing();
  theirFrom.registers.set(from.registers);
  theirFrom.system.set(from.system);
  const theirs = new CpuState(theirFrom);
  if (!kvm.run(theirs, theirMsrs)) return { verdict: 'refused', end: '' };
  const refuse = () => {
    throw new Error('there is no device');
  };
  const result = new Emulator(cpu, memory, { read: refuse, write: refuse }).step();
  const wanted = kvmOutcome(theirs, theirMsrs, each);
  const got = ourOutcome(result, cpu, msrs, each);
  const end = wanted.end.replace(/ at [0-9a-f]+$/, '');
  const same = (text: string) => (each.lab === 'error' ? text.replace(/ error \w+/, '') : text);
  if (same(wanted.end) !== same(got.end))
    return { verdict: 'differs', end, why: `KVM: ${wanted.end}; ours: ${got.end}` };
  for (const [name, value] of Object.entries(wanted.state)) {
    if (got.state[name] !== value)
      return { verdict: 'differs', end, why: `${name} is ${value}, ours ${got.state[name]}` };
  }
  const why = memoryDiffers(wanted.end);
  return why === undefined ? { verdict: 'agrees', end } : { verdict: 'differs', end, why: `memory at ${why}` };
}

const summary = {
  seed: SEED,
  states: STATES,
  agreed: {} as Record<string, string>,
  missing: [] as string[],
  refused: [] as string[],
  differing: [] as string[],
};
for (const [i, each] of CASES.entries()) {
  if (each.needs && !kvm.has(each.needs)) {
    summary.missing.push(each.name);
    continue;
  }
  const ends = new Map<string, number>();
  let agreed = 0;
  for (let n = 0; n < STATES; n++) {
    const seed = (SEED + i * 0x1_0001 + n * 0x101) >>> 0;
    const { verdict, end, why } = compare(each, seed);
    if (verdict === 'differs') summary.differing.push(`${each.name}, seed ${seed}: ${why}`);
    if (verdict !== 'agrees') continue;
    agreed++;
    ends.set(end, (ends.get(end) ?? 0) + 1);
  }
  if (agreed > 0) summary.agreed[each.name] = [...ends].map(([end, times]) => `${times} ${end}`).join(', ');
  else summary.refused.push(each.name);
}
kvm.close();
process.stdout.write(`${JSON.stringify(summary, null, 1)}\n`);

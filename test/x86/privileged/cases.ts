/**
 * Instructions that only a kernel may execute, or that go somewhere, so that the host's CPU cannot be asked in this process: each with
 * bytes, and what it finds in registers and memory. Left out is what processors, real and emulated, do differently: addresses that are
 * not canonical.
 */
import type { GuestMemory } from '../../../src/memory/guest-memory.ts';
import type { CpuState } from '../../../src/x86/cpu-state.ts';
import { CODE, DATA, SELECTOR, STACK } from './layout.ts';

export interface Trial {
  readonly cpu: CpuState;
  readonly memory: GuestMemory;
  readonly msrs: Map<number, bigint>;
  /** Unsigned random 32 bits. */
  readonly next: () => number;
}

export interface Case {
  readonly name: string;
  /** CPUID must have it: leaf, register (0 EAX to 3 EDX), bit. */
  readonly needs?: readonly [leaf: number, register: number, bit: number];
  /** The instruction; its bytes may depend on the trial. */
  readonly code: (trial: Trial) => readonly number[];
  /** Registers, memory, MSRs, level. */
  readonly arrange?: (trial: Trial) => void;
  /** General registers (hardware numbers) whose result is not to be foreseen. */
  readonly unforeseen?: readonly number[];
  /** What QEMU's emulation of a processor, the lab's, is known to get wrong: arithmetic flags and DF, or the number in an error code. */
  readonly lab?: 'flags' | 'error';
}

const [RAX, RCX, RSP, RDI, R11] = [0, 1, 4, 7, 11] as const;
const imm32 = (value: number): number[] => [0, 8, 16, 24].map(shift => (value >> shift) & 0xff);
const imm64 = (value: bigint): number[] =>
  Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(i * 8)) & 0xffn));
const pick = <T>({ next }: Trial, list: readonly T[]): T => list[next() % list.length]!;
/** A distance that stays in the page of code, and off the instruction itself. */
const near = ({ next }: Trial): number => {
  const distance = (next() % 0xe00) - 0x700;
  return Math.abs(distance) < 0x20 ? distance - 0x40 : distance;
};
/** The same in a byte. */
const short = ({ next }: Trial): number => {
  const byte = next() & 0xff;
  return byte > 0xe0 ? byte - 0x20 : byte;
};
const somewhere = (trial: Trial): bigint => BigInt(CODE + near(trial));

/** Goes on as user code, half the time. */
export function maybeUser(trial: Trial): void {
  if (trial.next() & 1) toUser(trial);
}

function toUser({ cpu }: Trial): void {
  Object.assign(cpu.segments.cs, { selector: SELECTOR.userCode, dpl: 3 });
  for (const name of ['ss', 'ds', 'es', 'fs', 'gs'] as const) {
    Object.assign(cpu.segments[name], { selector: SELECTOR.userData, dpl: 3 });
  }
}

const CONDITIONS = 'o no b ae e ne be a s ns p np l ge le g'.split(' ');
const plain = (name: string, code: readonly number[], arrange?: Case['arrange']): Case =>
  arrange ? { name, code: () => code, arrange } : { name, code: () => code };

const branches: readonly Case[] = [
  ...CONDITIONS.map((name, i): Case => ({ name: `j${name} short`, code: t => [0x70 + i, short(t)] })),
  ...CONDITIONS.map((name, i): Case => ({ name: `j${name} near`, code: t => [0x0f, 0x80 + i, ...imm32(near(t))] })),
  { name: 'jmp short', code: t => [0xeb, short(t)] },
  { name: 'jmp near', code: t => [0xe9, ...imm32(near(t))] },
  { name: 'call near', code: t => [0xe8, ...imm32(near(t))] },
  ...['call', 'jmp'].flatMap((name, i): Case[] => [
    {
      name: `${name} register`,
      code: () => [0xff, 0xd0 + i * 16],
      arrange: t => t.cpu.setRegister(RAX, somewhere(t)),
    },
    {
      name: `${name} memory`,
      code: () => [0xff, 0x17 + i * 16],
      arrange: t => t.memory.setU64(DATA, somewhere(t)),
    },
  ]),
  plain('ret', [0xc3], t => t.memory.setU64(STACK, somewhere(t))),
  plain('ret n', [0xc2, 0x18, 0x01], t => t.memory.setU64(STACK, somewhere(t))),
  ...['loopne', 'loope', 'loop', 'jrcxz'].flatMap((name, i): Case[] => [
    {
      name,
      code: t => [...(t.next() & 1 ? [0x67] : []), 0xe0 + i, short(t)],
      arrange: t => t.cpu.setRegister(RCX, pick(t, [0n, 1n, 2n, 1n << 32n, (1n << 32n) + 1n])),
    },
  ]),
  plain('pushfq', [0x9c]),
  plain('pushf', [0x66, 0x9c]),
  plain('popfq', [0x9d], t => {
    t.memory.setU64(STACK, BigInt(t.next() & 0x24_4ed7));
    maybeUser(t);
  }),
  plain('leave', [0xc9], t => t.cpu.setRegister(5, BigInt(STACK + (t.next() & 0xff8)))),
];

/** mov between the accumulator and an absolute address, which has 64 bits unless prefix 67 says 32. */
const moffs: readonly Case[] = [0xa0, 0xa1, 0xa2, 0xa3].flatMap((opcode): Case[] =>
  [[], [0x66], [0x48], [0x67], [0x67, 0x48]].map(prefixes => ({
    name: `mov moffs ${[...prefixes, opcode].map(byte => byte.toString(16)).join(' ')}`,
    code: t => {
      const at = DATA + (t.next() & 0xfff);
      return [...prefixes, opcode, ...(prefixes[0] === 0x67 ? imm32(at) : imm64(BigInt(at)))];
    },
  })),
);

/** An IRET frame of `size`-byte words at RSP. */
function frame(trial: Trial, size: 4 | 8): void {
  const { memory, next } = trial;
  const code = pick(
    trial,
    [0x08, 0x08, 0x2b, 0x2b, 0x2b, 0x1b, 0x1b, 0x43, 0x40, 0x60, 0x6b, 0x10, 0, 0x0b, 0x29, 0x100],
  );
  const stack = pick(trial, [0x10, 0x23, 0x23, 0x23, 0, 3, 0x4b, 0x13, 0x100]);
  const target = next() % 16 ? somewhere(trial) : 1n << 50n;
  const flags = BigInt(next() & 0x24_3ed7);
  const words = [target, BigInt(code), flags, BigInt(STACK + (next() & 0xff0)), BigInt(stack)];
  for (const [i, word] of words.entries()) {
    if (size === 8) memory.setU64(STACK + i * 8, word);
    else memory.setU32(STACK + i * 4, Number(word & 0xffff_ffffn));
  }
}

function wantNestedTask({ cpu, next }: Trial): void {
  if (next() % 8 === 0) cpu.rflags |= 0x4000n;
}

const levels: readonly Case[] = [
  plain('iretq', [0x48, 0xcf], t => {
    frame(t, 8);
    wantNestedTask(t);
  }),
  plain('iretd', [0xcf], t => frame(t, 4)),
  plain('iretq of user code', [0x48, 0xcf], t => {
    frame(t, 8);
    toUser(t);
  }),
  {
    ...plain('syscall', [0x0f, 0x05], t => {
      t.msrs.set(0xc000_0082, somewhere(t));
      t.msrs.set(0xc000_0084, BigInt(t.next() & 0x24_4ed5));
      maybeUser(t);
      if (t.next() % 8 === 0) t.cpu.system.efer &= ~1n;
    }),
    lab: 'flags',
  },
  ...[
    [0x48, 0x0f, 0x07],
    [0x0f, 0x07],
  ].map(code =>
    plain(code.length === 3 ? 'sysretq' : 'sysretl', code, t => {
      t.cpu.setRegister(RCX, somewhere(t));
      t.cpu.setRegister(R11, BigInt(t.next() & 0x24_4ed7));
      if (t.next() % 8 === 0) maybeUser(t);
    }),
  ),
  plain('int3', [0xcc], maybeUser),
  plain('int 0x80', [0xcd, 0x80], maybeUser),
  { ...plain('int 0x81', [0xcd, 0x81], maybeUser), lab: 'error' },
  {
    ...plain('int beyond the table', [0xcd, 0xf0], t => {
      t.cpu.system.idtLimit = 0xeff;
      maybeUser(t);
    }),
    lab: 'error',
  },
  plain('ud2', [0x0f, 0x0b], maybeUser),
];

const SELECTORS = [
  0, 3, 0x08, 0x0b, 0x10, 0x13, 0x18, 0x1b, 0x23, 0x2b, 0x30, 0x40, 0x43, 0x48, 0x50, 0x58, 0x60, 0x68, 0x70, 0x78,
  0x7f, 0x80, 0x1004, 0xfff8,
];
const selector = (t: Trial): void => {
  t.cpu.setRegister(RAX, BigInt(pick(t, SELECTORS)));
  maybeUser(t);
};

const SMAP = [7, 1, 20] as const;
const FSGSBASE = [7, 1, 0] as const;
const bases = (t: Trial): void => {
  if (t.next() % 8) t.cpu.system.cr4 |= 0x1_0000n;
  t.cpu.segments.fs.base = BigInt(t.next()) << 12n;
  t.cpu.segments.gs.base = BigInt(t.next()) << 12n;
  t.cpu.setRegister(RAX, t.next() & 1 ? BigInt(t.next()) : pick(t, [0xffff_8000_0000_0000n, 0x7fff_ffff_ffffn]));
  maybeUser(t);
};

const system: readonly Case[] = [
  { ...plain('clac', [0x0f, 0x01, 0xca], maybeUser), needs: SMAP },
  { ...plain('stac', [0x0f, 0x01, 0xcb], maybeUser), needs: SMAP },
  plain('swapgs', [0x0f, 0x01, 0xf8], t => {
    t.cpu.segments.gs.base = BigInt(t.next()) << 12n;
    t.msrs.set(0xc000_0102, BigInt(t.next()) << 8n);
    maybeUser(t);
  }),
  { ...plain('rdtscp', [0x0f, 0x01, 0xf9]), needs: [0x8000_0001, 3, 27], unforeseen: [0, 2] },
  { ...plain('rdpid', [0xf3, 0x0f, 0xc7, 0xf8]), needs: [7, 2, 22] },
  {
    ...plain('invpcid', [0x66, 0x0f, 0x38, 0x82, 0x07], t => {
      t.cpu.setRegister(RAX, BigInt(t.next() % 6));
      t.memory.setU64(DATA, pick(t, [0n, 0n, 1n, 0x1000n]));
      t.memory.setU64(DATA + 8, pick(t, [0n, 1n << 60n]));
      maybeUser(t);
    }),
    needs: [7, 1, 10],
  },
  ...[0, 1, 2, 3].flatMap(digit => [
    { ...plain(`fsgsbase /${digit}`, [0xf3, 0x48, 0x0f, 0xae, 0xc0 | (digit << 3)], bases), needs: FSGSBASE },
    { ...plain(`fsgsbase /${digit}, 32 bits`, [0xf3, 0x0f, 0xae, 0xc0 | (digit << 3)], bases), needs: FSGSBASE },
  ]),
  plain('lar', [0x0f, 0x02, 0xc8], selector),
  plain('lar, 16 bits', [0x66, 0x0f, 0x02, 0xc8], selector),
  plain('lsl', [0x0f, 0x03, 0xc8], selector),
  plain('lsl, 16 bits', [0x66, 0x0f, 0x03, 0xc8], selector),
  plain('verr', [0x0f, 0x00, 0xe0], selector),
  plain('verw', [0x0f, 0x00, 0xe8], selector),
];

export const CASES: readonly Case[] = [...branches, ...moffs, ...levels, ...system];
export const REGISTERS = { RSP, RDI } as const;

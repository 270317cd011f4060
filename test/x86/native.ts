/**
 * The host's own CPU as the judge: one mapping of this process that holds a stub, its state block, data and a stack. The stub loads every
 * general register, the flags and the XSAVE area, runs one instruction, and stores them again.
 */
import { readFileSync } from 'node:fs';
import koffi from 'koffi';
import { sys } from '../../src/host/libc.ts';

const PAGE = 4096;
/** Offsets in the mapping. */
export const LAYOUT = { code: 0, block: PAGE, data: 3 * PAGE, stack: 5 * PAGE, size: 7 * PAGE } as const;
/** The window of the data pages that tests fill and compare, and that of the stack. */
export const WINDOW = {
  data: LAYOUT.data + PAGE - 512,
  stack: LAYOUT.stack + PAGE - 256,
  length: 1024,
  stackLength: 512,
};
const BLOCK = { registers: 0, flags: 128, hostStack: 136, plainFlags: 144, input: 192, output: 2880 } as const;

export const hostFeatures = new Set(
  /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.trim().split(' '),
);
/** State components that the host has switched on: x87, SSE, AVX, and the three of AVX-512. */
export const XSAVE_MASK = hostFeatures.has('avx512f') ? 0xe7 : 7;
/** Room for them in standard format, wherever the processor has them: the last ends at 2688 on Intel's, sooner on AMD's. */
const XSAVE_LENGTH = 2688;

const PROT_ALL = 7;
const MAP_PRIVATE_ANONYMOUS = 0x22;

class Assembler {
  readonly bytes: number[] = [];

  emit(...bytes: number[]): this {
    this.bytes.push(...bytes);
    return this;
  }

  /** An opcode with a ModRM byte for [rip + distance to `target`], register or digit `reg`, and `tail` bytes that follow. */
  rip(opcode: readonly number[], reg: number, target: number): this {
    const rex = opcode[0]! >= 0x40 && opcode[0]! < 0x50 && reg >= 8 ? [opcode[0]! | 4, ...opcode.slice(1)] : opcode;
    const end = this.bytes.length + rex.length + 5;
    const distance = target - end;
    return this.emit(...rex, 5 | ((reg & 7) << 3), ...[0, 8, 16, 24].map(shift => (distance >> shift) & 0xff));
  }
}

function stub(): { code: Uint8Array; hole: number } {
  const a = new Assembler();
  const at = (offset: number) => LAYOUT.block + offset;
  // push rbx, rbp, r12 to r15
  a.emit(0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57);
  a.rip([0x48, 0x89], 4, at(BLOCK.hostStack));
  // mov eax, 7; xor edx, edx; xrstor64
  a.emit(0xb8, XSAVE_MASK, 0, 0, 0, 0x31, 0xd2).rip([0x48, 0x0f, 0xae], 5, at(BLOCK.input));
  a.rip([0xff], 6, at(BLOCK.flags)).emit(0x9d);
  for (let i = 0; i < 16; i++) a.rip([0x48, 0x8b], i, at(BLOCK.registers + i * 8));
  const hole = a.bytes.length;
  for (let i = 0; i < 16; i++) a.emit(0x90);
  for (let i = 0; i < 16; i++) a.rip([0x48, 0x89], i, at(BLOCK.registers + i * 8));
  a.rip([0x48, 0x8b], 4, at(BLOCK.hostStack));
  // pushf; pop [flags]; push [plain flags]; popf
  a.emit(0x9c).rip([0x8f], 0, at(BLOCK.flags));
  a.rip([0xff], 6, at(BLOCK.plainFlags)).emit(0x9d);
  a.emit(0xb8, XSAVE_MASK, 0, 0, 0, 0x31, 0xd2).rip([0x48, 0x0f, 0xae], 4, at(BLOCK.output));
  // fninit; vzeroupper; ldmxcsr of the default value
  a.emit(0xdb, 0xe3, 0xc5, 0xf8, 0x77).rip([0x0f, 0xae], 2, at(BLOCK.plainFlags + 8));
  a.emit(0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c, 0x5d, 0x5b, 0xc3);
  return { code: Uint8Array.from(a.bytes), hole };
}

export class NativeCpu {
  readonly base: bigint;
  /** The whole mapping. */
  readonly bytes: Uint8Array;
  /** General registers in hardware order, then RFLAGS. */
  readonly registers: BigUint64Array;
  readonly input: Uint8Array;
  readonly output: Uint8Array;
  /** Offset of the instruction in the mapping. */
  readonly hole: number;
  readonly #run: () => void;

  constructor() {
    this.base = sys.mmap(null, LAYOUT.size, PROT_ALL, MAP_PRIVATE_ANONYMOUS, -1, 0);
    this.bytes = new Uint8Array(koffi.view(this.base, LAYOUT.size));
    const { code, hole } = stub();
    this.bytes.set(code, LAYOUT.code);
    this.hole = LAYOUT.code + hole;
    const { buffer } = this.bytes;
    this.registers = new BigUint64Array(buffer, LAYOUT.block + BLOCK.registers, 17);
    this.input = new Uint8Array(buffer, LAYOUT.block + BLOCK.input, XSAVE_LENGTH);
    this.output = new Uint8Array(buffer, LAYOUT.block + BLOCK.output, XSAVE_LENGTH);
    const view = new DataView(buffer);
    view.setBigUint64(LAYOUT.block + BLOCK.plainFlags, 0x202n, true);
    view.setUint32(LAYOUT.block + BLOCK.plainFlags + 8, 0x1f80, true);
    const type = koffi.proto('void stub()');
    this.#run = () => koffi.call(this.base, type);
  }

  /** CPUID of this host. */
  cpuid(leaf: number, subleaf: number): [number, number, number, number] {
    this.load(Uint8Array.of(0x0f, 0xa2));
    this.registers.fill(0n);
    this.registers[0] = BigInt(leaf);
    this.registers[1] = BigInt(subleaf);
    this.registers[4] = this.base + BigInt(WINDOW.stack + 128);
    this.registers[16] = 0x202n;
    this.input.fill(0);
    new DataView(this.input.buffer, this.input.byteOffset).setUint32(24, 0x1f80, true);
    this.run();
    return [0, 3, 1, 2].map(register => Number(this.registers[register]!)) as [number, number, number, number];
  }

  /** Puts an instruction into the stub. */
  load(instruction: Uint8Array): void {
    this.bytes.fill(0x90, this.hole, this.hole + 16);
    this.bytes.set(instruction, this.hole);
  }

  run(): void {
    this.output.fill(0, 512, 576);
    this.#run();
  }

  close(): void {
    sys.munmap(this.base, LAYOUT.size);
  }
}

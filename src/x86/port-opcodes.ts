/**
 * IN and OUT, read without the disassembler: eight opcodes whose bytes say everything (Intel SDM volume 2, IN and OUT). Most exits of
 * a guest that starts are these, and with them here the disassembler is loaded when the first other instruction traps, long after
 * the guest's first word. What comes out is what capstone would say; test/x86/port-opcodes.test.ts compares them.
 */
import type { CodeSize } from './mode.ts';
import { prefixesOf } from './prefixes.ts';

/** An instruction as a disassembler prints it. */
export interface RawInstruction {
  readonly id: number;
  readonly size: number;
  readonly mnemonic: string;
  readonly opStr: string;
}

/** capstone's numbers. */
const IN = 229;
const OUT = 515;
/** By opcode bit 0, then operand size. */
const ACCUMULATOR = { byte: 'al', 2: 'ax', 4: 'eax' } as const;

/** Whether an opcode byte is one of IN and OUT: E4 to E7 with the port in a byte, EC to EF with the port in DX. */
export function isPortOpcode(opcode: number): boolean {
  return (opcode & 0xf4) === 0xe4;
}

/** Whether what stands there can touch a port at all: IN, OUT, INS or OUTS, behind whatever prefixes. */
export function touchesPort(bytes: Uint8Array, offset: number, available: number, mode: CodeSize): boolean {
  let opcode = bytes[offset]!;
  if (isPortOpcode(opcode)) return true;
  const { length } = prefixesOf(bytes, mode, offset, offset + available);
  if (length >= available) return false;
  opcode = bytes[offset + length]!;
  return isPortOpcode(opcode) || (opcode & 0xfc) === 0x6c;
}

/** The IN or OUT at `bytes[offset]`, of which `available` bytes are known; undefined if it is something else. */
export function portInstruction(
  bytes: Uint8Array,
  offset: number,
  available: number,
  mode: CodeSize,
): RawInstruction | undefined {
  const end = offset + available;
  const first = bytes[offset]!;
  // Prefixes take time to read, and usually there is none.
  const prefixes = isPortOpcode(first) ? undefined : prefixesOf(bytes, mode, offset, end);
  const at = offset + (prefixes?.length ?? 0);
  const opcode = bytes[at]!;
  // LOCK is not allowed here: #UD.
  if (at >= end || !isPortOpcode(opcode) || prefixes?.lock) return undefined;
  const inDx = opcode >= 0xec;
  const size = at - offset + (inDx ? 1 : 2);
  if (size > available) return undefined;
  const operandSize = (mode === 16) !== (prefixes?.operandSize ?? false) ? 2 : 4;
  const data = ACCUMULATOR[opcode & 1 ? operandSize : 'byte'];
  const port = inDx ? 'dx' : immediateText(bytes[at + 1]!);
  const out = (opcode & 2) !== 0;
  return {
    id: out ? OUT : IN,
    size,
    mnemonic: out ? 'out' : 'in',
    opStr: out ? `${port}, ${data}` : `${data}, ${port}`,
  };
}

/** As the disassembler prints numbers: decimal below 10. */
function immediateText(value: number): string {
  return value < 10 ? String(value) : `0x${value.toString(16)}`;
}

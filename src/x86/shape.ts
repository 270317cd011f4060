/**
 * What an instruction touches, as far as its bytes alone tell: ports, memory operands with direction and width, where the
 * value comes from. Worked out once when it is decoded; access.ts adds the registers' values at each exit.
 */
import { type MemoryUse, memoryUse, STACK_USE, stringForm } from './mnemonics.ts';
import type { CodeSize } from './mode.ts';
import type { Immediate, MemoryOperand, Operand } from './operands.ts';
import type { Register } from './registers.ts';

export type Operation = 'in' | 'out' | 'read' | 'write' | 'read-modify-write' | 'string' | 'none';

export interface Touch {
  readonly direction: Exclude<MemoryUse, 'none'>;
  readonly operand: MemoryOperand;
  /** In bytes; 0 if the text names none. */
  readonly width: number;
  /** Bytes that the instruction adds to the operand's registers when done: string elements, and the stack pointer. */
  readonly moves: 'string' | 'push' | 'pop' | undefined;
}

export interface Shape {
  readonly operation: Operation;
  /** Width of the port or memory access in bytes; 0 if unknown or none. */
  readonly width: number;
  /** Constant port, or DX. Undefined without port access. */
  readonly port: number | 'dx' | undefined;
  /** Where the value of an OUT or a plain write comes from, or where an IN or a plain read goes. */
  readonly value: Register | Immediate | undefined;
  readonly touches: readonly Touch[];
}

const NO_ACCESS: Shape = { operation: 'none', width: 0, port: undefined, value: undefined, touches: [] };

const isMemory = (operand: Operand): operand is MemoryOperand => operand.kind === 'memory';

function valueOperand(operand: Operand | undefined): Register | Immediate | undefined {
  return operand?.kind === 'register' || operand?.kind === 'immediate' ? operand : undefined;
}

function portShape(mnemonic: 'in' | 'out', operands: readonly Operand[]): Shape {
  const [data, port] = mnemonic === 'in' ? operands : [operands[1], operands[0]];
  const value = valueOperand(data);
  return {
    operation: mnemonic,
    width: value?.kind === 'register' ? value.width : 0,
    port: port?.kind === 'immediate' ? Number(port.value) : 'dx',
    value,
    touches: [],
  };
}

function stringShape(mnemonic: string, text: string, operands: readonly Operand[]): Shape | undefined {
  const found = stringForm(mnemonic, text);
  if (!found) return undefined;
  const { form, width } = found;
  const touches: Touch[] = [];
  for (const operand of operands) {
    if (!isMemory(operand)) continue;
    // RDI is the destination, in whichever order the operands are printed (cmps prints the source first).
    const direction = operand.base?.number === 7 ? form.destination : form.source;
    if (direction) touches.push({ direction, operand, width, moves: 'string' });
  }
  const operation = form.port ?? 'string';
  return { operation, width, port: form.port ? 'dx' : undefined, value: undefined, touches };
}

function stackTouch(use: 'push' | 'pop', mode: CodeSize, width: number, stackPointer: Register): Touch {
  const operand: MemoryOperand = {
    kind: 'memory',
    segment: 'ss',
    base: stackPointer,
    index: undefined,
    scale: 1,
    displacement: { hi: 0, lo: 0 },
    width: width || (mode === 64 ? 8 : mode / 8),
  };
  return { direction: use === 'push' ? 'write' : 'read', operand, width: operand.width, moves: use };
}

/** The shape of an instruction. `stackPointer` is RSP, ESP or SP by the stack's size. */
export function shapeOf(
  mnemonic: string,
  text: string,
  operands: readonly Operand[],
  mode: CodeSize,
  stackPointer: Register,
): Shape {
  if (mnemonic === 'in' || mnemonic === 'out') return portShape(mnemonic, operands);
  const string = stringShape(mnemonic, text, operands);
  if (string) return string;
  const touches: Touch[] = [];
  let value: Register | Immediate | undefined;
  for (const [position, operand] of operands.entries()) {
    if (!isMemory(operand)) continue;
    const direction = memoryUse(mnemonic, position, operands.length);
    if (direction === 'none') return NO_ACCESS;
    touches.push({ direction, operand, width: operand.width, moves: undefined });
    // movss-like and three-operand forms: the value is the operand beside memory.
    value = valueOperand(operands[position === 0 ? 1 : 0]);
  }
  const main = touches[0];
  const stack = STACK_USE.get(mnemonic);
  if (stack) touches.push(stackTouch(stack, mode, main?.width ?? 0, stackPointer));
  const first = touches[0];
  if (!first) return NO_ACCESS;
  return { operation: first.direction, width: first.width, port: undefined, value, touches };
}

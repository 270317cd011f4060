/**
 * One run of one instruction: what a row's function sees. General operands come from {@link OperandAccess}; this adds vectors.
 */
import { generalProtection } from './fault.ts';
import { OperandAccess } from './operand-access.ts';
import { Vec } from './vec.ts';

export class Execution extends OperandAccess {
  /** Scratch vectors: by habit `a` and `b` are sources, `c` a third, `out` the result. */
  readonly a = new Vec();
  readonly b = new Vec();
  readonly c = new Vec();
  readonly out = new Vec();

  /** Loads vector operand `i` into `into`, the rest of which is cleared; memory is checked for its alignment (#GP). */
  load(i: number, into: Vec): Vec {
    const operand = this.form.operands[i]!;
    if (operand.kind === 'vector') {
      this.fpu.readVector(operand.number, into, this.form.vectorSize === 32);
      return into;
    }
    if (operand.kind !== 'memory') {
      into.clear().u64[0] = this.get(i);
      return into;
    }
    const address = this.address(operand.width);
    if (operand.alignment > 1 && address.lo & (operand.alignment - 1)) generalProtection();
    into.clear();
    this.memory.read(address, into.u8.subarray(0, operand.width));
    return into;
  }

  /** Stores the low bytes of `from` to operand `i`. A vector register is written whole: see {@link FpuState}. */
  store(i: number, from: Vec): void {
    const operand = this.form.operands[i]!;
    if (operand.kind === 'vector') {
      if (this.form.row.vex) {
        if (this.form.vectorSize === 16) from.u8.fill(0, 16);
        this.fpu.writeAll(operand.number, from);
      } else this.fpu.writeLow(operand.number, from);
      return;
    }
    if (operand.kind === 'general') {
      this.set(i, from.u64[0]!);
      return;
    }
    const address = this.address(operand.width);
    if (operand.kind === 'memory' && operand.alignment > 1 && address.lo & (operand.alignment - 1)) generalProtection();
    this.memory.write(address, from.u8.subarray(0, operand.width));
  }

  /** Stores a whole vector whose lanes beyond the result have been cleared. */
  storeCleared(i: number, from: Vec): void {
    const operand = this.form.operands[i]!;
    if (operand.kind === 'vector' && this.form.row.vex) this.fpu.writeAll(operand.number, from);
    else this.store(i, from);
  }

  /** Stores 16 bytes to a vector register from a VEX.256 instruction: the rest is cleared. */
  storeLow(i: number, from: Vec): void {
    from.u8.fill(0, 16);
    const operand = this.form.operands[i]!;
    if (operand.kind === 'vector') this.fpu.writeAll(operand.number, from);
  }
}

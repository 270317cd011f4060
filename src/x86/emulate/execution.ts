/**
 * One run of one instruction: what a row's function sees. General operands come from {@link OperandAccess}; this adds vectors.
 */
import type { Linear } from '../linear.ts';
import { generalProtection } from './fault.ts';
import { OperandAccess } from './operand-access.ts';
import { Vec } from './vec.ts';

export class Execution extends OperandAccess {
  /** Scratch vectors: by habit `a` and `b` are sources, `c` a third, `out` the result. */
  readonly a = new Vec();
  readonly b = new Vec();
  readonly c = new Vec();
  readonly out = new Vec();

  /** Loads vector operand `i` into `into`, the rest of which is cleared; memory is checked for its alignment (#GP). A mask spares memory lanes unless `whole`. */
  load(i: number, into: Vec, whole = false): Vec {
    const operand = this.form.operands[i]!;
    if (operand.kind === 'vector') {
      this.fpu.readVector(operand.number, into, this.form.vectorSize);
      return into;
    }
    if (operand.kind !== 'memory') {
      into.clear().u64[0] = this.get(i);
      return into;
    }
    const address = this.address(operand.width);
    if (operand.alignment > 1 && address.lo & (operand.alignment - 1)) generalProtection();
    into.clear();
    if (this.form.row.evex && (this.form.mask || this.form.broadcast)) this.#loadLanes(i, into, address, whole);
    else this.memory.read(address, into.u8.subarray(0, operand.width));
    return into;
  }

  /** Stores the low bytes of `from` to operand `i`. A vector register is written whole: see {@link FpuState}. */
  store(i: number, from: Vec): void {
    const operand = this.form.operands[i]!;
    if (operand.kind === 'vector') {
      if (this.form.row.vex) {
        if (this.form.mask) this.#merge(operand.number, from);
        this.fpu.writeAll(operand.number, from, this.form.vectorSize);
      } else this.fpu.writeLow(operand.number, from);
      return;
    }
    if (operand.kind === 'general') {
      this.set(i, from.u64[0]!);
      return;
    }
    const address = this.address(operand.width);
    if (operand.kind === 'memory' && operand.alignment > 1 && address.lo & (operand.alignment - 1)) generalProtection();
    if (this.form.mask) this.#storeLanes(i, from);
    else this.memory.write(address, from.u8.subarray(0, operand.width));
  }

  /** Whether the opmask register picks lane `lane`; without one every lane is. */
  picks(lane: number): boolean {
    return this.form.mask === 0 || ((this.fpu.readMask(this.form.mask) >> BigInt(lane)) & 1n) === 1n;
  }

  /** Lanes that the mask leaves out keep the destination's value, or become zero. */
  #merge(number: number, from: Vec): void {
    const { element } = this.form.row;
    const { zeroing, vectorSize } = this.form;
    this.fpu.readVector(number, this.#old, vectorSize);
    for (let at = 0; at < vectorSize; at += element) {
      if (this.picks(at / element)) continue;
      if (zeroing) from.u8.fill(0, at, at + element);
      else from.u8.set(this.#old.u8.subarray(at, at + element), at);
    }
  }
  readonly #old = new Vec();

  /** Memory under a mask is read only where a lane is picked, so that no other lane can fault; EVEX.b repeats one element. */
  #loadLanes(i: number, into: Vec, first: Linear, whole: boolean): void {
    const { element } = this.form.row;
    const { broadcast, vectorSize } = this.form;
    const width = this.form.operands[i]!.width;
    // A source that is not lanes of the result (a shift count, a scalar) is read whole.
    if (!broadcast && (whole || width !== vectorSize || element === 0)) {
      this.memory.read(first, into.u8.subarray(0, width));
      return;
    }
    for (let at = 0; at < vectorSize; at += element) {
      if (!whole && !this.picks(at / element)) continue;
      const address = broadcast ? first : this.address(element, BigInt(at));
      this.memory.read(address, into.u8.subarray(at, at + element));
    }
  }

  #storeLanes(i: number, from: Vec): void {
    const { element } = this.form.row;
    const { width } = this.form.operands[i]!;
    for (let at = 0; at < width; at += element) {
      if (this.picks(at / element)) this.memory.checkWrite(this.address(element, BigInt(at)), element);
    }
    for (let at = 0; at < width; at += element) {
      if (this.picks(at / element))
        this.memory.write(this.address(element, BigInt(at)), from.u8.subarray(at, at + element));
    }
  }

  /** Stores a whole vector whose lanes beyond the result have been cleared. */
  storeCleared(i: number, from: Vec): void {
    const operand = this.form.operands[i]!;
    if (operand.kind === 'vector' && this.form.row.vex) this.fpu.writeAll(operand.number, from, this.form.vectorSize);
    else this.store(i, from);
  }

  /** Stores 16 bytes to a vector register from a VEX.256 instruction: the rest is cleared. */
  storeLow(i: number, from: Vec): void {
    const operand = this.form.operands[i]!;
    if (operand.kind === 'vector') this.fpu.writeAll(operand.number, from, 16);
  }
}

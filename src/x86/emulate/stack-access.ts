/** Pushing, popping and jumping: what stack and branch instructions share with the system's returns. */
import type { Execution } from './execution.ts';
import { generalProtection } from './fault.ts';
import { maskOf } from './flags.ts';
import { checkSegment, isCanonicalAddress } from './segmentation.ts';

/** Stack pointer width in bytes. */
export function stackSize(x: Execution): number {
  return x.form.mode === 64 ? 8 : x.cpu.segments.ss.db ? 4 : 2;
}

/** Pushes `width` bytes; RSP moves only if the write succeeds. */
export function push(x: Execution, value: bigint, width: number): void {
  const size = stackSize(x);
  const top = (x.general(4, size) - BigInt(width)) & maskOf(size);
  x.write(checkSegment(x.cpu, x.form.mode, 'ss', top, width), width, value);
  x.setGeneral(4, size, top);
}

export function pop(x: Execution, width: number): bigint {
  const size = stackSize(x);
  const top = x.general(4, size);
  const value = x.read(checkSegment(x.cpu, x.form.mode, 'ss', top, width), width);
  x.setGeneral(4, size, top + BigInt(width));
  return value;
}

/** Continues at `target`, an offset in CS. */
export function jump(x: Execution, target: bigint): void {
  const { mode, operandSize } = x.form;
  if (mode === 64) {
    const to = BigInt.asUintN(64, target);
    if (!isCanonicalAddress(x.cpu, to)) generalProtection();
    x.target = to;
    return;
  }
  const to = target & maskOf(operandSize);
  if (to > BigInt(x.cpu.segments.cs.limit)) generalProtection();
  x.target = to;
}

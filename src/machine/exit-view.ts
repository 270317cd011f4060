/** The run page's account of a port or memory access (struct kvm_run), as the instruction reader wants it. */
import { EXIT } from '../kvm/constants.ts';
import type { Exit } from '../x86/exit.ts';

/** `length` bytes, at most 4, little-endian. */
function value(view: DataView, at: number, length: number): number {
  let sum = 0;
  for (let i = Math.min(length, 4) - 1; i >= 0; i--) sum = sum * 256 + view.getUint8(at + i);
  return sum;
}

/** Undefined for an exit of another kind. */
export function exitOf(reason: number, view: DataView): Exit | undefined {
  if (reason === EXIT.IO) {
    const write = view.getUint8(0x20) === 1;
    const width = view.getUint8(0x21);
    const exit = { kind: 'io', port: view.getUint16(0x22, true), width, count: view.getUint32(0x24, true) } as const;
    if (!write) return { ...exit, direction: 'in' };
    return { ...exit, direction: 'out', value: value(view, view.getUint32(0x28, true), width) };
  }
  if (reason !== EXIT.MMIO) return undefined;
  const gpa = view.getUint32(0x24, true) * 2 ** 32 + view.getUint32(0x20, true);
  const width = view.getUint32(0x30, true);
  if (view.getUint8(0x34) === 0) return { kind: 'mmio', direction: 'read', gpa, width };
  const valueHigh = width > 4 ? value(view, 0x2c, width - 4) : 0;
  return { kind: 'mmio', direction: 'write', gpa, width, value: value(view, 0x28, width), valueHigh };
}

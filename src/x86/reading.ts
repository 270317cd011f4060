/** Words for a trapped access: KVM's reading and the instruction's, side by side, for traces and mismatch reports. */
import { hex } from '../base/bits.ts';
import type { Access } from './access.ts';
import type { Instruction } from './decoder.ts';
import type { Exit } from './exit.ts';
import type { CodeBytes } from './fetch.ts';
import { formatLinear } from './linear.ts';

/** KVM's reading, for example `out of 1 byte to port 0x3f8`. */
export function describeExit(exit: Exit): string {
  const bytes = `${exit.width} byte${exit.width === 1 ? '' : 's'}`;
  if (exit.kind === 'mmio') {
    return `${exit.direction} of ${bytes} at guest-physical ${hex(exit.gpa)}${valueText(exit.value)}`;
  }
  const times = exit.count > 1 ? ` ${exit.count} times` : '';
  const way = exit.direction === 'in' ? 'from' : 'to';
  return `${exit.direction} of ${bytes} ${way} port ${hex(exit.port)}${times}${valueText(exit.value)}`;
}

function valueText(value: number | undefined): string {
  return value === undefined ? '' : `, value ${hex(value >>> 0)}`;
}

/** The instruction's reading, for example `write of 4 bytes at linear 0xfee000b0`. */
export function describeAccess(access: Access): string {
  if (access.operation === 'none') return 'no access';
  const place =
    access.port !== undefined
      ? `port ${hex(access.port)}`
      : access.address
        ? `linear ${formatLinear(access.address)}`
        : 'nowhere';
  return `${access.operation} of ${access.width || 'some'} bytes at ${place}`;
}

/** Space-separated hexadecimal bytes. */
export function formatBytes(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(' ');
}

/** One sentence with both readings. */
export function describeMismatch(
  exit: Exit,
  rip: string,
  instruction: Instruction | undefined,
  access: Access | undefined,
  code: CodeBytes,
): string {
  const kvm = `KVM reports ${describeExit(exit)}`;
  if (!instruction || !access) {
    const bytes = code.length > 0 ? `the bytes there (${formatBytes(code.bytes.subarray(0, code.length))})` : 'nothing';
    return `${kvm}, but at RIP ${rip} ${bytes} ${code.length > 0 ? 'are no instruction' : 'can be read'}.`;
  }
  return `${kvm}, but "${instruction.text}" at RIP ${rip} reads as ${describeAccess(access)}, and nothing that ends there fits.`;
}

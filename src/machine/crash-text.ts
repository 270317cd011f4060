/** A crash in words: what happened, the last instruction disassembled, the registers. */
import { hex } from '../base/bits.ts';
import { Decoder } from '../x86/decoder.ts';
import type { CrashReport } from './crash-report.ts';

function hexBytes(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(' ');
}

/** Lines for stderr. `cpu` is the vCPU's number. */
export async function crashText(cpu: number, report: CrashReport): Promise<string[]> {
  const lines = [`vCPU ${cpu} at ${hex(report.address)}: ${await lastInstruction(report)}`, ...report.registers];
  if (report.lost) {
    lines.push(
      'This KVM resets a CPU that shuts down (as AMD hardware asks for): the registers are those after the reset.',
    );
  }
  return lines;
}

async function lastInstruction({ code, codeSize }: CrashReport): Promise<string> {
  if (code.length === 0) return 'no memory is mapped there';
  const decoder = await Decoder.load();
  try {
    const instruction = decoder.decode(code, 0, code.length, codeSize);
    return instruction
      ? `${instruction.text} (${hexBytes(instruction.bytes)})`
      : `not an instruction (${hexBytes(code)})`;
  } finally {
    decoder.close();
  }
}

/** Whether an instruction may run at all: LOCK where it is allowed, and x87, SSE or AVX switched on by the control registers. */
import type { CpuState } from '../cpu-state.ts';
import { isReal, isVirtual8086 } from '../mode.ts';
import { CR0, CR4 } from '../system-registers.ts';
import { CpuFault, undefinedOpcode, VECTOR } from './fault.ts';
import type { Form } from './form.ts';

/** XCR0 bits for SSE and AVX state. */
const XCR0_AVX = 6n;
/** And for opmask and ZMM registers. */
const XCR0_AVX512 = 0xe6n;

/** Throws #UD or #NM where the CPU would (SDM volume 3, 2.5 and tables 13-1, 14-1; volume 2, 2.4). */
export function checkUnit(cpu: CpuState, form: Form): void {
  const { row } = form;
  if (form.lock && !(row.lockable && form.operands[0]?.kind === 'memory')) undefinedOpcode();
  if (row.vex && (isReal(cpu) || isVirtual8086(cpu))) undefinedOpcode();
  if (row.unit === 'integer') return;
  const { cr0Low, cr4Low } = cpu.system;
  if (row.unit === 'x87') {
    if (cr0Low & (CR0.EM | CR0.TS)) throw new CpuFault(VECTOR.NM);
    return;
  }
  if (row.unit === 'sse') {
    if (cr0Low & CR0.EM || !(cr4Low & CR4.OSFXSR)) undefinedOpcode();
  } else if (!(cr4Low & CR4.OSXSAVE) || !enabled(cpu, row.unit)) undefinedOpcode();
  if (cr0Low & CR0.TS) throw new CpuFault(VECTOR.NM);
}

function enabled(cpu: CpuState, unit: 'avx' | 'avx512'): boolean {
  const needed = unit === 'avx' ? XCR0_AVX : XCR0_AVX512;
  return (cpu.backing.xcr0() & needed) === needed;
}

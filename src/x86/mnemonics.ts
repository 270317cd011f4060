/**
 * What instructions do to their memory operand, by mnemonic: the text of an operand tells where it is, not whether it is read or
 * written. A mnemonic that is not listed reads memory, unless memory is the first of several operands, which is then written.
 */
export type MemoryUse = 'read' | 'write' | 'read-modify-write' | 'none';

const words = (text: string): string[] => text.trim().split(/\s+/);

/** First (or only) operand in memory is read. */
const READ = words(`
  cmp test bt push call jmp lcall ljmp mul imul div idiv comiss comisd ucomiss ucomisd ptest
  ldmxcsr vldmxcsr fldcw fldenv frstor fxrstor fxrstor64 xrstor xrstor64 xrstors xrstors64 lgdt lidt lldt ltr lmsw verr verw
  fld fild fbld fadd fsub fsubr fmul fdiv fdivr fcom fcomp fiadd fisub fisubr fimul fidiv fidivr ficom ficomp bound
  vmptrld vmclear vmxon invept invvpid invpcid sysexit`);

/** First operand in memory is read and written. */
const MODIFY = words(`
  add or adc sbb and sub xor inc dec neg not rol ror rcl rcr shl sal shr sar shld shrd bts btr btc xchg xadd cmpxchg
  cmpxchg8b cmpxchg16b`);

/** Only operand in memory is written. */
const WRITE = words(`
  pop stmxcsr vstmxcsr fst fstp fist fistp fisttp fbstp fnstcw fnstsw fnstenv fnsave fxsave fxsave64 xsave xsave64 xsavec xsavec64
  xsaveopt xsaveopt64 xsaves xsaves64 sgdt sidt sldt str smsw rdssp`);

/** An address is formed and nothing accessed, or nothing that a device could see. */
const NONE = words(`
  lea nop invlpg clflush clflushopt clwb cldemote prefetch prefetchw prefetchwt1 prefetcht0 prefetcht1 prefetcht2 prefetchnta
  endbr32 endbr64 bndmk bndcl bndcu bndcn`);

const table = new Map<string, MemoryUse>([
  ...READ.map(name => [name, 'read'] as const),
  ...MODIFY.map(name => [name, 'read-modify-write'] as const),
  ...WRITE.map(name => [name, 'write'] as const),
  ...NONE.map(name => [name, 'none'] as const),
]);

/** What `mnemonic` (without prefixes) does to a memory operand at `position` among `count` operands. */
export function memoryUse(mnemonic: string, position: number, count: number): MemoryUse {
  const listed = table.get(mnemonic) ?? (mnemonic.startsWith('set') ? 'write' : undefined);
  if (listed === 'none') return 'none';
  if (position > 0) return 'read';
  return listed ?? (count > 1 ? 'write' : 'read');
}

/** String instructions by mnemonic: whether the first operand's address (RDI) and the other's (RSI) are read or written. */
export interface StringForm {
  readonly destination?: 'read' | 'write';
  readonly source?: 'read';
  readonly port?: 'in' | 'out';
}
const FORMS: Readonly<Record<string, StringForm>> = {
  movs: { destination: 'write', source: 'read' },
  stos: { destination: 'write' },
  lods: { source: 'read' },
  cmps: { destination: 'read', source: 'read' },
  scas: { destination: 'read' },
  ins: { destination: 'write', port: 'in' },
  outs: { source: 'read', port: 'out' },
};
const SUFFIXES: Readonly<Record<string, number>> = { b: 1, w: 2, d: 4, q: 8 };

/** The string form and element width in bytes, or undefined. `movsd` and `cmpsd` with vector operands are not strings. */
export function stringForm(mnemonic: string, operandText: string): { form: StringForm; width: number } | undefined {
  const form = FORMS[mnemonic.slice(0, -1)];
  const width = SUFFIXES[mnemonic.slice(-1)];
  if (!form || !width || /[xy]mm\d/.test(operandText)) return undefined;
  return { form, width };
}

/** Instructions that also push or pop: memory under the stack pointer, besides their operand. */
export const STACK_USE: ReadonlyMap<string, 'push' | 'pop'> = new Map([
  ...words('push call pushf pushfq pushfd').map(name => [name, 'push'] as const),
  ...words('pop ret popf popfq popfd').map(name => [name, 'pop'] as const),
]);

/**
 * A row of the emulator's table: one instruction with its encoding, operands, flags, faults and where the manual describes it. The
 * decoder, the documentation and the generated tests all read the same rows.
 *
 * Encodings are written as in the manual, `[prefix.]opcode bytes[ /digit][ =modrm]`: `F3.0F B8`, `66.0F38 DB`, `0F C7 /1`, `NP.0F 01 =CA`.
 * A prefix NP means none of 66, F3 and F2; no prefix at all means that 66 only changes the operand size.
 *
 * Operands are the letters of the SDM's appendix A: E and G general (ModRM r/m, reg), M memory only, R register only, W, V and U the same for
 * vectors, H and B the VEX.vvvv vector and general register, I immediate, S segment, O absolute offset, Z the register in the opcode, T the x87 register in ModRM, K, N and Y opmask registers in ModRM.reg, ModRM.rm and VEX.vvvv; then the
 * size: b 1, w 2, d 4, q 8, v by operand size, y 4 or 8 by W, z as v but immediates stop at 4, dq 16, x 16 or 32 by VEX.L, u as x without alignment.
 */
import type { Execution } from './execution.ts';
import type { OperandKind, OperandSpec, RowShape, SizeRule, Unit } from './row-shape.ts';

export interface Row extends RowShape {
  readonly run: (x: Execution) => void;
}

export interface RowOptions {
  readonly unit?: Unit;
  readonly feature?: string;
  readonly flags?: string;
  readonly faults?: string;
  readonly manual?: string;
  readonly lockable?: boolean;
  readonly wide?: boolean;
  readonly near?: boolean;
  readonly modes?: 'long' | 'legacy';
  readonly system?: boolean;
  readonly vex?: boolean;
  readonly evex?: boolean;
  readonly element?: number;
  readonly broadcast?: boolean;
  readonly w?: 0 | 1;
  readonly l?: 0 | 1 | 2;
}

const SIZES: Readonly<Record<string, SizeRule>> = {
  b: 1,
  w: 2,
  d: 4,
  q: 8,
  t: 10,
  dq: 16,
  qq: 32,
  v: 'v',
  y: 'y',
  z: 'z',
  x: 'x',
  u: 'u',
  a: 'a',
  '': 0,
};
const FIXED: Readonly<Record<string, { size: SizeRule; number: number }>> = {
  AL: { size: 1, number: 0 },
  rAX: { size: 'v', number: 0 },
  AX: { size: 2, number: 0 },
  CL: { size: 1, number: 1 },
  DX: { size: 2, number: 2 },
  XMM0: { size: 16, number: 0 },
};

function operandSpec(text: string): OperandSpec {
  const fixed = FIXED[text];
  if (fixed) return { kind: 'fixed', ...fixed, text };
  const size = SIZES[text.slice(1)];
  if (size === undefined || !/^[EGMRWVUHBIJSOZLTKNY]/.test(text))
    throw new RangeError(`operand ${text} has no meaning`);
  return { kind: text[0] as OperandKind, size, number: 0, text };
}

const MAPS: Readonly<Record<string, 1 | 2 | 3>> = { '0F': 1, '0F38': 2, '0F3A': 3 };

/** Builds a row from its texts. Throws RangeError for a text that is malformed, when the program is loaded. */
export function row(
  encoding: string,
  name: string,
  operandText: string,
  run: (x: Execution) => void,
  options: RowOptions = {},
): Row {
  const match = /^(?:(NP|66|F3|F2)\.)?(0F38|0F3A|0F)?\s*([0-9A-F]{2})(?:\s+\/([0-7]))?(?:\s+=([0-9A-F]{2}))?$/.exec(
    encoding,
  );
  if (!match) throw new RangeError(`encoding ${encoding} of ${name} is malformed`);
  const operands = operandText === '' ? [] : operandText.split(' ').map(operandSpec);
  const needsModrm = operands.some(operand => 'EGMRWVUSTKN'.includes(operand.kind));
  const vector = operands.some(operand => 'WVUH'.includes(operand.kind));
  const unit = options.unit ?? (options.evex ? 'avx512' : vector ? (options.vex ? 'avx' : 'sse') : 'integer');
  const memory = operands.some(operand => 'EMWO'.includes(operand.kind));
  const unitFaults = unit === 'integer' ? '' : unit === 'x87' ? ' NM' : ' UD NM';
  return {
    name,
    encoding: options.evex ? `EVEX.${encoding}` : options.vex ? `VEX.${encoding}` : encoding,
    prefix: (match[1] ?? '') as Row['prefix'],
    map: MAPS[match[2] ?? ''] ?? 0,
    opcode: Number.parseInt(match[3]!, 16),
    digit: match[4] === undefined ? -1 : Number(match[4]),
    fixedModrm: match[5] === undefined ? -1 : Number.parseInt(match[5], 16),
    vex: options.vex ?? options.evex ?? false,
    evex: options.evex ?? false,
    element: options.element ?? 0,
    broadcast: options.broadcast ?? false,
    w: options.w,
    l: options.l,
    modrm: needsModrm || match[4] !== undefined || match[5] !== undefined,
    operands,
    unit,
    feature: options.feature,
    flags: options.flags ?? '',
    faults: `${options.faults ?? ''}${unitFaults}${memory ? ' GP SS PF' : ''}`.trim(),
    manual: options.manual ?? name.toUpperCase(),
    lockable: options.lockable ?? false,
    wide: options.wide ?? options.near ?? false,
    near: options.near ?? false,
    modes: options.modes ?? 'all',
    system: options.system ?? false,
    run,
  };
}

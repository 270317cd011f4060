/** The floating-point environment of SSE and AVX: MXCSR's modes, and the exceptions that an instruction has raised so far. */

/** Exception flags, the same bits in MXCSR and in the x87 status word. */
export const FE = { INVALID: 1, DENORMAL: 2, DIVIDE: 4, OVERFLOW: 8, UNDERFLOW: 16, PRECISION: 32 } as const;
export const ROUND = { NEAREST: 0, DOWN: 1, UP: 2, ZERO: 3 } as const;

const DAZ = 0x40;
const FTZ = 0x8000;

export class FloatEnv {
  raised = 0;
  rounding: number;
  readonly daz: boolean;
  readonly ftz: boolean;
  /** Exceptions that are masked. */
  readonly masked: number;
  /** Nearest rounding, all masked, no FTZ or DAZ, precision already noted: plain results need no bookkeeping. */
  readonly easy: boolean;

  /** Set when the magnitude of the last result was rounded up. */
  roundedUp = false;
  /** Fraction bits of a result, where the x87's precision control wants fewer than the format has. */
  fraction: number | undefined;
  /** Which of two NaNs an operation returns: SSE takes the first, the x87 the one with the larger significand. */
  readonly nanRule: 'first' | 'largest';

  constructor(mxcsr: number, x87 = false) {
    this.nanRule = x87 ? 'largest' : 'first';
    this.rounding = (mxcsr >> 13) & 3;
    this.daz = (mxcsr & DAZ) !== 0;
    this.masked = (mxcsr >> 7) & 0x3f;
    this.ftz = (mxcsr & FTZ) !== 0 && (this.masked & FE.UNDERFLOW) !== 0;
    this.easy = (mxcsr & 0xffc0) === 0x1f80 && (mxcsr & FE.PRECISION) !== 0;
  }

  raise(exceptions: number): void {
    this.raised |= exceptions;
  }

  /** The environment of an x87 control word: rounding in bits 10 and 11, masks in the low six. */
  static ofControlWord(control: number): FloatEnv {
    return new FloatEnv((((control >> 10) & 3) << 13) | ((control & 0x3f) << 7), true);
  }
}

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

  constructor(mxcsr: number) {
    this.rounding = (mxcsr >> 13) & 3;
    this.daz = (mxcsr & DAZ) !== 0;
    this.masked = (mxcsr >> 7) & 0x3f;
    this.ftz = (mxcsr & FTZ) !== 0 && (this.masked & FE.UNDERFLOW) !== 0;
    this.easy = (mxcsr & 0xffc0) === 0x1f80 && (mxcsr & FE.PRECISION) !== 0;
  }

  raise(exceptions: number): void {
    this.raised |= exceptions;
  }
}

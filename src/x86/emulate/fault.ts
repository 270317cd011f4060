/** Exceptions of the emulated CPU. Thrown inside an instruction, turned into a result at its end; nothing else may catch them. */

/** Exception vectors (Intel SDM volume 3, table 6-1). */
export const VECTOR = {
  DE: 0,
  DB: 1,
  BP: 3,
  OF: 4,
  UD: 6,
  NM: 7,
  TS: 10,
  NP: 11,
  SS: 12,
  GP: 13,
  PF: 14,
  MF: 16,
  AC: 17,
  XM: 19,
} as const;

export class CpuFault {
  readonly vector: number;
  /** Undefined for vectors that push none. */
  readonly errorCode: number | undefined;
  /** The linear address of a page fault. */
  readonly cr2: bigint | undefined;

  constructor(vector: number, errorCode?: number, cr2?: bigint) {
    this.vector = vector;
    this.errorCode = errorCode;
    this.cr2 = cr2;
  }
}

/** #UD: no such instruction here. */
export function undefinedOpcode(): never {
  throw new CpuFault(VECTOR.UD);
}

/** #GP with an error code: 0, or the selector at fault without its RPL. */
export function generalProtection(code = 0): never {
  throw new CpuFault(VECTOR.GP, code);
}

/** Thrown where an instruction of the table meets a situation that is not emulated. */
export class NotEmulated {}

/** 64 bytes seen as lanes of every type: scratch values of vector instructions. The typed arrays do the wrapping. */
export class Vec {
  readonly u8 = new Uint8Array(64);
  readonly i8 = new Int8Array(this.u8.buffer);
  readonly u16 = new Uint16Array(this.u8.buffer);
  readonly i16 = new Int16Array(this.u8.buffer);
  readonly u32 = new Uint32Array(this.u8.buffer);
  readonly i32 = new Int32Array(this.u8.buffer);
  readonly u64 = new BigUint64Array(this.u8.buffer);
  readonly i64 = new BigInt64Array(this.u8.buffer);
  readonly f32 = new Float32Array(this.u8.buffer);
  readonly f64 = new Float64Array(this.u8.buffer);

  clear(): this {
    this.u8.fill(0);
    return this;
  }

  copy(from: Vec): this {
    this.u8.set(from.u8);
    return this;
  }
}

/** The lane types that hold numbers, and those that hold bigints. */
export type NumberLane = 'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32';
export type WideLane = 'u64' | 'i64';

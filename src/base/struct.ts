/**
 * C structures as tables: a row a field, `name: type(offset)`, turned into an object whose properties read and write plain
 * memory, little-endian. The same table gives names and widths to traces and snapshots.
 */
type Kind = 'u8' | 'u16' | 'u32' | 'u64' | 'i32' | 'bytes';
export interface Field<T = number | bigint | Uint8Array> {
  readonly kind: Kind;
  readonly offset: number;
  /** Size in bytes. */
  readonly size: number;
  /** Carries the property's type; never set. */
  readonly type?: T;
}
const field =
  <T>(kind: Kind, size: number) =>
  (offset: number): Field<T> => ({ kind, offset, size });
export const u8 = field<number>('u8', 1);
export const u16 = field<number>('u16', 2);
export const u32 = field<number>('u32', 4);
export const i32 = field<number>('i32', 4);
/** 64 bits as a bigint. */
export const u64 = field<bigint>('u64', 8);
/** A byte array inside the structure: reads give a view, writes copy (and must fit). */
export const bytes = (offset: number, size: number): Field<Uint8Array> => ({ kind: 'bytes', offset, size });

export type Fields = Record<string, Field<number> | Field<bigint> | Field<Uint8Array>>;
export type StructOf<F extends Fields> = { -readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

export interface Struct<F extends Fields> {
  /** Size in bytes of the whole structure. */
  readonly size: number;
  readonly fields: F;
  /** The structure over existing memory, starting at `offset`. Throws RangeError if it does not fit. */
  over(memory: ArrayBufferLike | Uint8Array, offset?: number): StructOf<F>;
  /** A zeroed structure and its bytes. */
  create(): { value: StructOf<F>; bytes: Uint8Array };
}

function accessors(view: DataView, f: Field<unknown>): PropertyDescriptor {
  const { offset, size } = f;
  switch (f.kind) {
    case 'u8':
      return { get: () => view.getUint8(offset), set: v => view.setUint8(offset, v) };
    case 'u16':
      return { get: () => view.getUint16(offset, true), set: v => view.setUint16(offset, v, true) };
    case 'u32':
      return { get: () => view.getUint32(offset, true), set: v => view.setUint32(offset, v, true) };
    case 'i32':
      return { get: () => view.getInt32(offset, true), set: v => view.setInt32(offset, v, true) };
    case 'u64':
      return { get: () => view.getBigUint64(offset, true), set: v => view.setBigUint64(offset, v, true) };
    case 'bytes': {
      const area = () => new Uint8Array(view.buffer, view.byteOffset + offset, size);
      return { get: area, set: v => area().set(v) };
    }
  }
}

/** Defines a structure of `size` bytes. */
export function struct<F extends Fields>(size: number, fields: F): Struct<F> {
  for (const [name, f] of Object.entries(fields)) {
    if (f.offset + f.size > size) throw new RangeError(`field ${name} reaches past the structure's ${size} bytes`);
  }
  const over = (memory: ArrayBufferLike | Uint8Array, offset = 0): StructOf<F> => {
    const view =
      memory instanceof Uint8Array
        ? new DataView(memory.buffer, memory.byteOffset + offset, size)
        : new DataView(memory, offset, size);
    if (memory instanceof Uint8Array && offset + size > memory.byteLength) {
      throw new RangeError(`a structure of ${size} bytes at ${offset} does not fit ${memory.byteLength} bytes`);
    }
    const value = {};
    for (const [name, f] of Object.entries(fields)) {
      Object.defineProperty(value, name, { ...accessors(view, f), enumerable: true });
    }
    return value as StructOf<F>;
  };
  const create = () => {
    const memory = new Uint8Array(size);
    return { value: over(memory), bytes: memory };
  };
  return { size, fields, over, create };
}

/** Refcounts are 1 to 64 bits wide; those below a byte fill it from its lowest bit on. */

/** Reads and writes the refcount with index `index` in a piece of a refcount block. */
export interface RefcountWidth {
  get(view: DataView, index: number): number;
  set(view: DataView, index: number, value: number): void;
  /** The greatest refcount that fits. */
  readonly most: number;
}

function narrow(bits: 1 | 2 | 4): RefcountWidth {
  const perByte = 8 / bits;
  const most = 2 ** bits - 1;
  return {
    most,
    get: (view, index) => (view.getUint8(Math.floor(index / perByte)) >> ((index % perByte) * bits)) & most,
    set: (view, index, value) => {
      const at = Math.floor(index / perByte);
      const shift = (index % perByte) * bits;
      view.setUint8(at, (view.getUint8(at) & ~(most << shift)) | (value << shift));
    },
  };
}

/** By refcount order: bits are 2 to its power. */
export const REFCOUNT_WIDTHS: readonly RefcountWidth[] = [
  narrow(1),
  narrow(2),
  narrow(4),
  { most: 0xff, get: (view, i) => view.getUint8(i), set: (view, i, value) => view.setUint8(i, value) },
  { most: 0xffff, get: (view, i) => view.getUint16(2 * i), set: (view, i, value) => view.setUint16(2 * i, value) },
  {
    most: 0xffff_ffff,
    get: (view, i) => view.getUint32(4 * i),
    set: (view, i, value) => view.setUint32(4 * i, value),
  },
  {
    most: Number.MAX_SAFE_INTEGER,
    get: (view, i) => view.getUint32(8 * i) * 2 ** 32 + view.getUint32(8 * i + 4),
    set: (view, i, value) => {
      view.setUint32(8 * i, Math.floor(value / 2 ** 32));
      view.setUint32(8 * i + 4, value % 2 ** 32);
    },
  },
];

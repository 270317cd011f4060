/** Atomic changes of guest RAM for LOCK-prefixed instructions, as far as JavaScript has them: up to 8 aligned bytes. */
import { maskOf } from './flags.ts';

/** Compare-and-swap until nobody came between. */
export function exchange(place: Uint8Array, width: number, change: (old: bigint) => bigint): void {
  const { buffer, byteOffset } = place;
  if (width === 8) {
    const cell = new BigUint64Array(buffer, byteOffset, 1);
    for (;;) {
      const old = Atomics.load(cell, 0);
      if (Atomics.compareExchange(cell, 0, old, BigInt.asUintN(64, change(old))) === old) return;
    }
  }
  const Cell = width === 4 ? Uint32Array : width === 2 ? Uint16Array : Uint8Array;
  const cell = new Cell(buffer as ArrayBuffer, byteOffset, 1);
  for (;;) {
    const old = Atomics.load(cell, 0);
    if (Atomics.compareExchange(cell, 0, old, Number(change(BigInt(old)) & maskOf(width))) === old) return;
  }
}

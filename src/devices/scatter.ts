/**
 * Guest buffers come scattered over descriptors and mean one run of bytes: these helpers count across the pieces, so that no
 * device depends on how a driver cut them (virtio 1.2, 2.7.4).
 */

/** The bytes [from, to) of scattered memory as zero-copy views, without empty pieces. */
export function sliceScattered(pieces: readonly Uint8Array[], from: number, to: number): Uint8Array[] {
  const out: Uint8Array[] = [];
  let at = 0;
  for (const piece of pieces) {
    if (at >= to) break;
    const start = Math.max(from - at, 0);
    const end = Math.min(to - at, piece.length);
    if (start < end) out.push(start === 0 && end === piece.length ? piece : piece.subarray(start, end));
    at += piece.length;
  }
  return out;
}

/** Bytes in all. */
export function scatteredLength(pieces: readonly Uint8Array[]): number {
  let length = 0;
  for (const piece of pieces) length += piece.length;
  return length;
}

/** Copies `source` to the start of scattered memory, as much as fits, and returns how many bytes that is. */
export function fillScattered(pieces: readonly Uint8Array[], source: Uint8Array): number {
  let done = 0;
  for (const piece of pieces) {
    if (done === source.length) break;
    const part = source.subarray(done, done + piece.length);
    piece.set(part);
    done += part.length;
  }
  return done;
}

/** Copies the start of scattered memory into `target`, as much as there is, and returns how many bytes that is. */
export function gatherScattered(pieces: readonly Uint8Array[], target: Uint8Array): number {
  let done = 0;
  for (const piece of pieces) {
    if (done === target.length) break;
    const part = piece.subarray(0, target.length - done);
    target.set(part, done);
    done += part.length;
  }
  return done;
}

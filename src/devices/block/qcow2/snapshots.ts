/** The table of internal snapshots: a snapshot is an L1 table of its own, and the clusters it shares are counted for it too. */
import { alignUp } from '../../../base/bits.ts';
import { ENTRY, MOST_L1_BYTES, readU64, viewOf } from './format.ts';
import type { Extent, Header } from './header.ts';
import type { ImageBytes } from './image-bytes.ts';

export interface Snapshot {
  readonly id: string;
  readonly name: string;
  /** When it was taken. */
  readonly date: Date;
  /** Bytes of the machine's state that it holds besides the disk. */
  readonly stateBytes: number;
  readonly l1: Extent;
}

export interface SnapshotTable extends Extent {
  readonly snapshots: readonly Snapshot[];
}

/** A row without its variable parts: extra data, id, name. */
const ROW = 40;
const MOST_EXTRA = 1024;
const MOST_NAME = 65_535;

/** Undefined if the table makes no sense. */
export async function readSnapshots(header: Header, bytes: ImageBytes): Promise<SnapshotTable | undefined> {
  const { count, offset } = header.snapshots;
  const snapshots: Snapshot[] = [];
  let at = offset;
  for (let i = 0; i < count; i++) {
    const row = new Uint8Array(ROW);
    if (at + ROW > bytes.end) return undefined;
    await bytes.read(at, [row]);
    const view = viewOf(row);
    const [idLength, nameLength, extraLength] = [view.getUint16(12), view.getUint16(14), view.getUint32(36)];
    const l1 = { offset: readU64(view, 0), bytes: view.getUint32(8) * ENTRY };
    if (extraLength > MOST_EXTRA || nameLength > MOST_NAME || l1.bytes > MOST_L1_BYTES) return undefined;
    const rest = new Uint8Array(extraLength + idLength + nameLength);
    if (at + ROW + rest.length > bytes.end) return undefined;
    await bytes.read(at + ROW, [rest]);
    snapshots.push({
      id: new TextDecoder().decode(rest.subarray(extraLength, extraLength + idLength)),
      name: new TextDecoder().decode(rest.subarray(extraLength + idLength)),
      date: new Date(view.getUint32(16) * 1000),
      stateBytes: extraLength >= 8 ? readU64(viewOf(rest), 0) : view.getUint32(32),
      l1,
    });
    at += alignUp(ROW + rest.length, 8);
  }
  return { offset, bytes: at - offset, snapshots };
}

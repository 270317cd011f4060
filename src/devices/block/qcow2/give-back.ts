/**
 * Free clusters become holes in the image's file, so that what a guest discards is space for the host, not just for the image. Neighbours go
 * together. It is a courtesy: a host that refuses changes nothing.
 */
import type { Store } from './store.ts';

/** The clusters are free, nothing durable refers to them, and nobody takes them meanwhile. */
export async function giveBack({ bytes, clusterSize, metadata }: Store, clusters: readonly number[]): Promise<void> {
  const { file } = bytes;
  if (file.discard === undefined) return;
  // A damaged image may call metadata free.
  const sorted = clusters.filter(cluster => !metadata.overlaps(cluster * clusterSize, 1)).sort((a, b) => a - b);
  for (let i = 0; i < sorted.length; ) {
    const first = sorted[i]!;
    let end = first;
    while (sorted[i] === end) {
      i++;
      end++;
    }
    await file.discard(first * clusterSize, (end - first) * clusterSize).catch(() => {});
  }
}

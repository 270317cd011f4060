/** What a check keeps while it counts: references to each cluster of the file, and what it found wrong. */
import type { ImageBytes } from './image-bytes.ts';
import { refusal } from './refusal.ts';

/** 512 MiB of counters: 8 TiB of clusters of 64 KiB. */
const MOST_CLUSTERS = 2 ** 27;
/** Problems that are told one by one. */
const MOST_PROBLEMS = 20;

export class ReferenceCounts {
  readonly clusterSize: number;
  /** References by cluster. */
  readonly counts: Uint32Array;
  readonly problems: string[] = [];
  /** Contradictions that counting anew does not mend. */
  corruptions = 0;
  readonly #end: number;

  constructor(bytes: ImageBytes, clusterSize: number) {
    const clusters = Math.ceil(bytes.end / clusterSize);
    if (clusters > MOST_CLUSTERS) {
      throw refusal(bytes.file.label, 'is too large to be checked here', 'Check it with `qemu-img check`.');
    }
    this.clusterSize = clusterSize;
    this.counts = new Uint32Array(clusters);
    this.#end = clusters * clusterSize;
  }

  /** Counts every cluster that a range touches. False, and a problem, if the range is not inside the file. */
  add(what: string, offset: number, bytes: number, times = 1): boolean {
    if (offset <= 0 || offset + bytes > this.#end) {
      this.corrupt(`${what} lies outside the file`);
      return false;
    }
    const last = Math.floor((offset + bytes - 1) / this.clusterSize);
    for (let cluster = Math.floor(offset / this.clusterSize); cluster <= last; cluster++) {
      this.counts[cluster] = Math.min(this.counts[cluster]! + times, 0xffff_ffff);
    }
    return true;
  }

  /** The same for tables and data clusters, which are aligned. */
  addAligned(what: string, offset: number, bytes: number, times = 1): boolean {
    if (offset % this.clusterSize === 0) return this.add(what, offset, bytes, times);
    this.corrupt(`${what} is not aligned to a cluster`);
    return false;
  }

  corrupt(problem: string): void {
    this.corruptions++;
    this.tell(problem);
  }

  tell(problem: string): void {
    if (this.problems.length < MOST_PROBLEMS) this.problems.push(problem);
  }
}

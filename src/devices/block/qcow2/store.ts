/**
 * What the parts of an open image share: its file, its geometry, the caches of its tables, and what is known of its clusters. The
 * parts (allocator, mapping, reader, writer) each get this and own no metadata themselves.
 */
import { MiB } from '../../../base/bits.ts';
import { ENTRY } from './format.ts';
import type { Header } from './header.ts';
import type { ImageBytes } from './image-bytes.ts';
import type { MetadataMap } from './metadata-map.ts';
import { REFCOUNT_WIDTHS, type RefcountWidth } from './refcount-width.ts';
import { SliceCache } from './slice-cache.ts';

/** Memory for each cache. 16 MiB of L2 entries map 128 GiB of clusters of 64 KiB. */
const TABLE_BUDGET = 16 * MiB;
const REFCOUNT_BUDGET = 4 * MiB;
const REFCOUNT_TABLE_BUDGET = MiB;

export class Store {
  readonly header: Header;
  readonly bytes: ImageBytes;
  readonly metadata: MetadataMap;
  readonly clusterSize: number;
  /** Entries of an L2 table. */
  readonly l2Entries: number;
  /** Refcounts of a refcount block. */
  readonly blockEntries: number;
  readonly width: RefcountWidth;
  /** L1 and L2 tables. */
  readonly tables: SliceCache;
  readonly refcountBlocks: SliceCache;
  readonly refcountTable: SliceCache;
  /** Clusters that nothing refers to any more, once what has been changed is durable; one that lost two references is in twice. */
  unreferenced: number[] = [];

  constructor(header: Header, bytes: ImageBytes, metadata: MetadataMap) {
    this.header = header;
    this.bytes = bytes;
    this.metadata = metadata;
    this.clusterSize = header.clusterSize;
    this.l2Entries = this.clusterSize / ENTRY;
    this.blockEntries = (this.clusterSize * 8) / 2 ** header.refcountOrder;
    this.width = REFCOUNT_WIDTHS[header.refcountOrder]!;
    this.tables = new SliceCache(bytes, this.clusterSize, TABLE_BUDGET);
    this.refcountBlocks = new SliceCache(bytes, this.clusterSize, REFCOUNT_BUDGET);
    this.refcountTable = new SliceCache(bytes, this.clusterSize, REFCOUNT_TABLE_BUDGET);
  }

  get dirty(): boolean {
    return this.tables.dirty || this.refcountBlocks.dirty || this.refcountTable.dirty;
  }

  get crowded(): boolean {
    return this.tables.crowded || this.refcountBlocks.crowded || this.refcountTable.crowded;
  }
}

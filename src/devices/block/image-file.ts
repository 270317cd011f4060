/**
 * What a disk image is stored in. Image formats know this interface only, so that a test can put memory, a failing disk or a
 * power cut in a file's place; `host-file.ts` is the real one.
 */
import type { BlockSizes } from './block-sizes.ts';

export interface ImageFile {
  /** How messages call it, for example the file's name. */
  readonly label: string;
  readonly readOnly: boolean;
  /** Length in bytes when it was opened. */
  readonly length: number;
  /** Fills `buffers` from byte `offset`; tells, or resolves to, how many bytes came: fewer only at the end of the file. */
  read(offset: number, buffers: readonly Uint8Array[]): Promise<number> | number;
  /**
   * Stores all of `buffers` at byte `offset`, past the end if need be, at once or by the time it resolves; `durable` ones are on the
   * medium then.
   */
  write(offset: number, buffers: readonly Uint8Array[], durable: boolean): Promise<void> | void;
  /** Everything that was written before this call is durable once it resolves, the file's length included. */
  flush(): Promise<void>;
  /** [offset, offset + length) is given back to the host, and holds anything afterwards. Absent where space is to be kept. */
  readonly discard?: ((offset: number, length: number) => Promise<void>) | undefined;
  close(): Promise<void>;
}

/** What a raw disk needs of its file besides. */
export interface DiskFile extends ImageFile {
  readonly blockSizes: BlockSizes;
  /** Length in bytes now. Throws on a host error. */
  lengthNow(): number;
  /** [offset, offset + length) reads as zeroes afterwards; with `unmap` it is given back to the host if that can be. */
  zero(offset: number, length: number, unmap: boolean): Promise<void>;
}

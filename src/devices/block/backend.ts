/**
 * What holds a disk's bytes. The service knows this interface only, so a raw file, an image format or a test's faulty disk all
 * serve alike. Opening one by its format is `image.ts`.
 */
import type { BlockSizes } from './block-sizes.ts';

export interface BlockBackend {
  /** Capacity in bytes when it was opened, a multiple of 512. */
  readonly size: number;
  readonly readOnly: boolean;
  /** How messages call it, for example the file's name. */
  readonly label: string;
  /**
   * Fills `buffers`, in order, from byte `offset`. Resolves to (or is at once) how many bytes came, all of them unless the
   * medium ended early. Rejects on a host error.
   */
  read(offset: number, buffers: readonly Uint8Array[]): Promise<number> | number;
  /**
   * Stores all of `buffers` at byte `offset`, at once or by the time it resolves, or throws or rejects; `durable` ones are on the medium
   * then.
   */
  write(offset: number, buffers: readonly Uint8Array[], durable: boolean): Promise<void> | void;
  /** Everything that was written before this call is durable once it resolves. */
  flush(): Promise<void>;
  /** [offset, offset + length) reads as zeroes once it resolves; with `unmap` it is given back to the host if that can be. */
  writeZeroes(offset: number, length: number, unmap: boolean): Promise<void>;
  /** The guest does not need [offset, offset + length) any more. Resolves also if nothing can be done with that. */
  discard(offset: number, length: number): Promise<void>;
  close(): Promise<void>;
  /** The units it likes to be used in; sectors of 512 bytes unless given. */
  readonly blockSizes?: BlockSizes;
  /** Capacity in bytes now, for media that can become larger. Quick. Throws on a host error. */
  sizeNow?(): number;
}

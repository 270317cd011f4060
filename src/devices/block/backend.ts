/**
 * What holds a disk's bytes. The service knows this interface only, so a raw file, an image format or a test's faulty disk all
 * serve alike. Opening and locking raw files is `raw-file.ts`.
 */
export interface BlockBackend {
  /** Capacity in bytes, a multiple of 512; never changes. */
  readonly size: number;
  readonly readOnly: boolean;
  /** How messages call it, for example the file's name. */
  readonly label: string;
  /**
   * Fills `buffers`, in order, from byte `offset`. Resolves to (or is at once) how many bytes came, all of them unless the
   * medium ended early. Rejects on a host error.
   */
  read(offset: number, buffers: readonly Uint8Array[]): Promise<number> | number;
  /** Stores all of `buffers` at byte `offset` or rejects; `durable` ones are on the medium once it resolves. */
  write(offset: number, buffers: readonly Uint8Array[], durable: boolean): Promise<void>;
  /** Everything whose write has resolved before this call is durable once it resolves. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

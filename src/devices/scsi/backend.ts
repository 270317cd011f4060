/** What holds a CD-ROM's blocks. The service knows this interface only; opening image files is `image.ts`. */
export interface CdromBackend {
  /** Blocks of 2048 bytes, at least one; never changes. */
  readonly blocks: number;
  /** How messages call it, for example the file's name. */
  readonly label: string;
  /**
   * Fills `buffers`, in order, from byte `offset`. Resolves to (or is at once) how many bytes came, all of them unless the
   * medium ended early. Rejects on a host error.
   */
  read(offset: number, buffers: readonly Uint8Array[]): Promise<number> | number;
  close(): Promise<void>;
}

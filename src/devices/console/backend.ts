/** What consoles are connected to: a terminal, a pair of pipes, a test. The virtio console and the serial port share it. */
import type { Output } from './output-buffer.ts';

/** A window in characters. */
export interface WindowSize {
  readonly columns: number;
  readonly rows: number;
}

export interface ConsoleBackend {
  /**
   * Appends to the output. Resolves when the bytes are out of the launcher's hands, which is the back-pressure; until then they
   * must not change. Calls are carried out in order. Never rejects: an output that is gone swallows what it gets.
   */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * The next input, at least one byte; undefined at its end. One reader at a time. A read that nobody waits for any more may stay
   * pending: its bytes are not lost, as long as the same promise is looked at later.
   */
  read(): Promise<Uint8Array | undefined>;
  size(): WindowSize;
  /** Calls `listener` whenever the window changed; returns what undoes that. */
  onResize(listener: () => void): () => void;
}

/** What one of the two is connected to: the other one's output goes to the same place. */
export interface ConsolePort extends Omit<ConsoleBackend, 'write'> {
  readonly output: Output;
}

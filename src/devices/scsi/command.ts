/** What a row of the command tables is: how much data a command block asks for, and what the drive answers. */
import type { Drive } from './drive.ts';
import type { Sense } from './sense.ts';

/** Purely decided: only `read` needs the medium's bytes. */
export type Answer =
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  | { readonly kind: 'read'; readonly block: number; readonly count: number }
  | { readonly kind: 'refuse'; readonly sense: Sense };

export interface Command {
  /** As in the standard. */
  readonly name: string;
  /** Answers NOT READY while there is no medium. */
  readonly medium?: true;
  /** Answers even if a unit attention waits, and leaves it waiting (SPC-4, 5.13; MMC-6, 4.1.6.1). */
  readonly always?: true;
  /** Where in the command block the allocation length is, [offset, bytes]: no more data than that are sent. */
  readonly allocation?: readonly [offset: number, width: number];
  readonly run: (drive: Drive, cdb: Uint8Array) => Answer;
}

/** Rows by operation code. */
export type Commands = Readonly<Record<number, Command>>;

export const data = (bytes: Iterable<number> = []): Answer => ({ kind: 'data', bytes: Uint8Array.from(bytes) });
export const refuse = (sense: Sense): Answer => ({ kind: 'refuse', sense });

/**
 * The table of contents of a disc with one session and one data track from the first block to the last (MMC-6, 6.25). Addresses are
 * block numbers or, as on an audio player, minutes, seconds and frames of 1/75 s, counted from two seconds before block 0.
 */
import { be16, be32 } from './big-endian.ts';

const LEAD_OUT = 0xaa;
/** ADR 1: the position; CONTROL 4: a data track. */
const DATA_TRACK = 0x14;

const FRAMES_PER_SECOND = 75;
const SECONDS_PER_MINUTE = 60;
/** Two seconds of lead-in. */
const PREGAP = 2 * FRAMES_PER_SECOND;

export interface TocRequest {
  /** Blocks on the medium. */
  readonly blocks: number;
  readonly msf: boolean;
  /** First track, or session, to be told. */
  readonly start: number;
}

/** One row for each format of the command. */
const FORMATS: Readonly<Record<number, (request: TocRequest) => number[] | undefined>> = {
  // Tracks.
  0: ({ blocks, msf, start }) => {
    if (start > 1 && start !== LEAD_OUT) return undefined;
    const track = (number: number, block: number) => [0, DATA_TRACK, number, 0, ...address(block, msf)];
    return withLength([1, 1, ...(start <= 1 ? track(1, 0) : []), ...track(LEAD_OUT, blocks)]);
  },
  // Sessions: where the last one begins.
  1: ({ msf }) => withLength([1, 1, 0, DATA_TRACK, 1, 0, ...address(0, msf)]),
  // All that the lead-in says; addresses are always in minutes.
  2: ({ blocks, start }) => {
    if (start > 1) return undefined;
    const point = (number: number, value: readonly number[]) => [1, DATA_TRACK, 0, number, 0, 0, 0, 0, ...value];
    return withLength([
      ...[1, 1, ...point(0xa0, [1, 0, 0]), ...point(0xa1, [1, 0, 0])],
      ...[...point(0xa2, toMsf(blocks)), ...point(1, toMsf(0))],
    ]);
  },
};

/** Undefined for a format or a track that there is not. */
export function tableOfContents(format: number, request: TocRequest): number[] | undefined {
  return FORMATS[format]?.(request);
}

/** A length that does not count itself, in front. */
function withLength(bytes: readonly number[]): number[] {
  return [...be16(bytes.length), ...bytes];
}

function address(block: number, msf: boolean): number[] {
  return msf ? [0, ...toMsf(block)] : be32(block);
}

/** Minutes, seconds, frames; at the last that can be told for a medium longer than that. */
export function toMsf(block: number): [minutes: number, seconds: number, frames: number] {
  const frames = block + PREGAP;
  const seconds = Math.floor(frames / FRAMES_PER_SECOND);
  const minutes = Math.floor(seconds / SECONDS_PER_MINUTE);
  if (minutes > 0xff) return [0xff, SECONDS_PER_MINUTE - 1, FRAMES_PER_SECOND - 1];
  return [minutes, seconds % SECONDS_PER_MINUTE, frames % FRAMES_PER_SECOND];
}

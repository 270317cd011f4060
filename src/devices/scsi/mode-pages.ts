/** Mode pages: how the drive is set up and what it can do (MMC-3, 5.5, and MMC-6, 7). None can be changed. */
import { be16 } from './big-endian.ts';
import type { Drive } from './drive.ts';

export interface ModePageRequest {
  readonly drive: Drive;
  /** 0x3f stands for all pages. */
  readonly page: number;
  readonly subpage: number;
  /** 0 current, 1 changeable, 2 default. */
  readonly control: number;
}

const ALL_PAGES = 0x3f;
const ALL_SUBPAGES = 0xff;
const CHANGEABLE = 1;

/** 40 times 176 kB/s. */
const SPEED = be16(7040);
const BUFFER_KIB = be16(2048);

/** What the capabilities page says of the tray: loads as one (1 << 5), ejects, can be locked, is locked. */
const TRAY = 0x20 | 0x08 | 0x01;
const LOCKED = 0x02;

/** Page code to page body, without the two bytes in front. */
const PAGES: Readonly<Record<number, (drive: Drive) => number[]>> = {
  // Read error recovery: five retries.
  1: () => [0, 5, 0, 0, 0, 0, 0, 0, 0, 0],
  // CD device parameters: 60 seconds a minute, 75 frames a second.
  13: () => [0, 0, ...be16(60), ...be16(75)],
  // Capabilities and mechanical status: reads CD-R, CD-RW, DVD-ROM, DVD-R; mode 2 forms 1 and 2, several sessions.
  42: drive => [
    ...[0x1b, 0, 0x70, 0, TRAY | (drive.locked ? LOCKED : 0), 0],
    ...[...SPEED, 0, 0, ...BUFFER_KIB, ...SPEED, 0, 0, 0, 0, 0, 0, 0, 0],
  ],
};

/** The pages asked for, one behind the other; undefined if there is none. */
export function modePages({ drive, page, subpage, control }: ModePageRequest): number[] | undefined {
  if (subpage !== 0 && subpage !== ALL_SUBPAGES) return undefined;
  const codes = page === ALL_PAGES ? Object.keys(PAGES).map(Number) : page in PAGES ? [page] : [];
  if (codes.length === 0) return undefined;
  return codes.flatMap(code => {
    const body = PAGES[code]!(drive);
    return [code, body.length, ...(control === CHANGEABLE ? body.map(() => 0) : body)];
  });
}

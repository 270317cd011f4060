/** What kind of disc is in, and what the drive can do with it: features and profiles (MMC-6, 5). */
import { be16, be32 } from './big-endian.ts';
import type { Drive } from './drive.ts';
import { BLOCK } from './registers.ts';

const CD_ROM = 0x0008;
const DVD_ROM = 0x0010;
/** 80 minutes of 75 blocks a second: a longer image cannot be a CD. */
const MOST_ON_CD = 80 * 60 * 75;

/** The current profile; 0 without a medium. */
export function profileOf({ trayOpen, blocks }: Drive): number {
  if (trayOpen) return 0;
  return blocks > MOST_ON_CD ? DVD_ROM : CD_ROM;
}

interface Feature {
  readonly code: number;
  readonly version: number;
  /** Always there, whatever the medium. */
  readonly persistent: boolean;
  /** Of use now, given the current profile. */
  readonly current: (profile: number) => boolean;
  readonly body: (profile: number) => number[];
}

const always = () => true;
const inProfile = (code: number, profile: number) => [...be16(code), code === profile ? 1 : 0, 0];

const FEATURES: readonly Feature[] = [
  // Profile list.
  {
    ...{ code: 0x0000, version: 0, persistent: true, current: always },
    body: profile => [...inProfile(DVD_ROM, profile), ...inProfile(CD_ROM, profile)],
  },
  // Core: the interface is of the SCSI family.
  { code: 0x0001, version: 2, persistent: true, current: always, body: () => [...be32(1), 0, 0, 0, 0] },
  // Removable medium: a tray (1 << 5) that ejects and can be locked.
  { code: 0x0003, version: 0, persistent: true, current: always, body: () => [0x29, 0, 0, 0] },
  // Random readable: block size, blocks of an error-correcting unit.
  {
    ...{ code: 0x0010, version: 0, persistent: false, current: profile => profile !== 0 },
    body: profile => [...be32(BLOCK), ...be16(profile === DVD_ROM ? 16 : 1), 0, 0],
  },
  // CD read.
  { code: 0x001e, version: 0, persistent: false, current: profile => profile === CD_ROM, body: () => [] },
  // DVD read.
  { code: 0x001f, version: 0, persistent: false, current: profile => profile === DVD_ROM, body: () => [] },
];

/** Which features a host asks for: all from a code on, only current ones from there, or one. */
const WANTED: Readonly<Record<number, (feature: Feature, start: number, profile: number) => boolean>> = {
  0: ({ code }, start) => code >= start,
  1: ({ code, current }, start, profile) => code >= start && current(profile),
  2: ({ code }, start) => code === start,
};

/** Undefined for a kind of request that there is not. */
export function featureDescriptors(drive: Drive, requestType: number, start: number): number[] | undefined {
  const wanted = WANTED[requestType];
  if (!wanted) return undefined;
  const profile = profileOf(drive);
  return FEATURES.filter(feature => wanted(feature, start, profile)).flatMap(feature => {
    const { code, version, persistent, current } = feature;
    const body = feature.body(profile);
    const flags = (version << 2) | (persistent ? 2 : 0) | (current(profile) ? 1 : 0);
    return [...be16(code), flags, body.length, ...body];
  });
}

// What a launcher costs beyond the memory it was asked to give: all of the process's proportional set size, less that of the
// mappings which are the guest's RAM. Proportional, so that pages of libraries which others use too count in part.
import { readFileSync } from 'node:fs';

export interface MappedRegion {
  bytes: number;
  path: string;
  permissions: string;
  /** Proportional set size in bytes. */
  pss: number;
}

/** Parses /proc/PID/smaps. */
export function parseSmaps(text: string): MappedRegion[] {
  const regions: MappedRegion[] = [];
  for (const line of text.split('\n')) {
    const header = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+\s*(.*)$/.exec(line);
    if (header) {
      const [, start, end, permissions, path] = header;
      const bytes = Number.parseInt(end!, 16) - Number.parseInt(start!, 16);
      regions.push({ bytes, path: path!, permissions: permissions!, pss: 0 });
      continue;
    }
    const pss = /^Pss:\s+(\d+) kB/.exec(line);
    if (pss) regions[regions.length - 1]!.pss = Number(pss[1]) * 1024;
  }
  return regions;
}

/**
 * Whether a mapping is (a part of) the guest's RAM: tslaunch's memory file, or for QEMU the anonymous mapping of just the size that
 * the guest was promised, which it aligns by up to 4 MiB.
 */
export function isGuestRam(region: MappedRegion, guestBytes: number): boolean {
  if (region.path.startsWith('/memfd:tslaunch-ram')) return true;
  const anonymous = region.path === '' && region.permissions.startsWith('rw');
  return anonymous && region.bytes >= guestBytes && region.bytes <= guestBytes + (4 << 20);
}

/** Bytes beyond guest RAM that the process has now, or undefined when it is gone. */
export function memoryBeyondGuest(pid: number, guestBytes: number): number | undefined {
  try {
    const regions = parseSmaps(readFileSync(`/proc/${pid}/smaps`, 'latin1'));
    if (regions.length === 0) return undefined; // a process at its end has none
    return regions.filter(region => !isGuestRam(region, guestBytes)).reduce((sum, region) => sum + region.pss, 0);
  } catch {
    return undefined;
  }
}

import { describe, expect, it } from 'vitest';
import { linear } from '../../src/x86/linear.ts';
import { LOOK, translate } from '../../src/x86/paging.ts';
import { CR0, CR4 } from '../../src/x86/system-registers.ts';
import { TrackedPage, WalkRecorder } from '../../src/x86/tracked-page.ts';
import { type CpuKind, cpu, memory, physical, random } from './support.ts';

const AT = linear(0, 0x20_0123);

/** Linear 0x20_0000 at 0x10_0000 by four levels: tables at 0x1000, 0x2000, 0x3000, 0x4000. */
function fourLevels() {
  const guest = memory();
  guest.setU64(0x1000, 0x2007n);
  guest.setU64(0x2000, 0x3007n);
  guest.setU64(0x3008, 0x4007n);
  guest.setU64(0x4000, 0x10_0007n);
  const recorder = new WalkRecorder(guest.regions);
  let walks = 0;
  const walk = recorder.walk.bind(recorder);
  recorder.walk = (...parts) => {
    walks++;
    return walk(...parts);
  };
  return { guest, page: new TrackedPage(recorder), walks: () => walks };
}

describe('a tracked page', () => {
  it('is walked to once, and again when an entry, CR3 or the mode changes', () => {
    const { guest, page, walks } = fourLevels();
    const state = cpu('long');
    expect(page.translate(state, AT, true)).toBe(0x10_0123);
    expect(page.translate(state, linear(0, 0x20_0fff), true)).toBe(0x10_0fff);
    expect(walks()).toBe(1);
    guest.setU64(0x4000, 0x30_0007n);
    expect(page.translate(state, AT, true)).toBe(0x30_0123);
    guest.setU64(0x3008, 0x5007n);
    guest.setU64(0x5000, 0x40_0007n);
    expect(page.translate(state, AT, true)).toBe(0x40_0123);
    guest.setU64(0x2000, 0x1_0000_3007n);
    expect(page.translate(state, AT, true)).toBeLessThan(0);
    guest.setU64(0x2000, 0x3007n);
    expect(page.translate(state, AT, true)).toBe(0x40_0123);
    expect(walks()).toBe(5);
    guest.setU64(0x6000, 0x2007n);
    state.system.cr3 = 0x6000n;
    expect(page.translate(state, AT, true)).toBe(0x40_0123);
    state.system.cr0 &= ~BigInt(CR0.PG);
    expect(page.translate(state, AT, true)).toBe(0x20_0123);
    expect(walks()).toBe(7);
  });

  it('does not mind accessed and dirty bits', () => {
    const { guest, page, walks } = fourLevels();
    const state = cpu('long');
    page.translate(state, AT, true);
    for (const entry of [0x1000, 0x2000, 0x3008, 0x4000]) guest.setU64(entry, guest.u64(entry) | 0x60n);
    expect(page.translate(state, AT, true)).toBe(0x10_0123);
    expect(walks()).toBe(1);
  });

  it('notices when an absent page comes', () => {
    const { guest, page } = fourLevels();
    const state = cpu('long');
    guest.setU64(0x4000, 0n);
    expect(page.translate(state, AT, true)).toBeLessThan(0);
    guest.setU64(0x4000, 0x10_0007n);
    expect(page.translate(state, AT, true)).toBe(0x10_0123);
  });

  it.each(['protected32', 'pae', 'long', 'long5'] as const)(
    'agrees with a walk at every change of random tables: %s',
    kind => {
      const seed = 0x7ac4;
      const next = random(seed);
      const guest = memory();
      const state = paged(kind);
      const page = new TrackedPage(new WalkRecorder(guest.regions));
      const plain = physical(guest);
      let mapped = 0;
      if (kind === 'pae') guest.setU64(0x1000, 0x2001n);
      for (let round = 0; round < 20_000; round++) {
        const at = linear(0, next() & 0x3f_ffff);
        // Tables in the first 64 KiB: entries that point to tables and pages nearby, large pages among them, now and then absent.
        const entry =
          BigInt(next() & 0xffe0 ? (next() & 0xf) << 12 : 0) | BigInt([0x27, 0x67, 7, 0x87, 0][next() % 5]!);
        const wide = kind === 'protected32' ? 4 : 8;
        let place = ((next() & 0xf) << 12) + (next() % 4) * wide;
        // The four pointers of PAE have reserved bits of their own; the first stays.
        if (kind === 'pae' && place >> 12 === 1) place += 0x1000;
        if (wide === 4) guest.setU32(place, Number(entry));
        else guest.setU64(place, entry | (next() % 16 === 0 ? 1n << 63n : 0n));
        const result = page.translate(state, at, true);
        expect(result, `seed ${seed}, round ${round}`).toBe(translate(state, plain, at, LOOK));
        if (result >= 0) mapped++;
      }
      expect(mapped).toBeGreaterThan(100);
    },
  );
});

function paged(kind: CpuKind) {
  const state = cpu(kind);
  state.system.cr3 = 0x1000n;
  if (kind === 'protected32') state.system.cr4 = BigInt(CR4.PSE);
  if (kind === 'pae') state.system.cr4 = BigInt(CR4.PAE);
  state.system.cr0 |= BigInt(CR0.PG);
  return state;
}

it('takes RAM in pieces of two GiB, whose size in bytes is no 32-bit integer', () => {
  // Nothing of it is touched, so it takes no memory.
  const guest = { regions: [{ gpa: 0, bytes: new Uint8Array(2 ** 31) }] };
  const page = new TrackedPage(new WalkRecorder(guest.regions));
  const state = cpu('protected32');
  expect(page.translate(state, linear(0, 0x7fff_f123), true)).toBe(0x7fff_f123);
  expect(page.piece?.words).toHaveLength(2 ** 29);
});

import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/base/errors.ts';
import { loadGuest } from '../../src/boot/load.ts';
import { GuestMemory } from '../../src/memory/guest-memory.ts';
import { bzImageFile } from './support/bzimage-file.ts';
import { COUNTING, elfFile, LINUX_SEGMENT, pvhNote } from './support/elf-file.ts';
import { MIB, TestFile } from './support/guest.ts';
import { Random } from './support/random.ts';

const RAM = 4 * MIB;
const GUARD = 4096;
const ROUNDS = 1500;
/** What headers hold when they are wrong: edges of every width, and addresses around those of the machine. */
const NASTY = [
  0,
  1,
  0x7f,
  0xff,
  0x7fff,
  0xffff,
  0x10_0000,
  0x7fff_ffff,
  0x8000_0000,
  0xffff_ffff,
  RAM,
  RAM - 1,
  0x7000,
];

/** One buffer for all rounds, with guards around the RAM that must stay as they are. */
const buffer = new Uint8Array(RAM + 2 * GUARD);
const initrd = new TestFile('initrd', Uint8Array.of(1, 2, 3, 4));

function mutate(random: Random, original: Uint8Array, region: readonly [from: number, to: number]): Uint8Array {
  const bytes = original.slice(0, random.chance(0.1) ? random.below(original.length) : original.length);
  for (let n = 1 + random.below(4); n > 0; n--) {
    const at = region[0] + random.below(region[1] - region[0]);
    const width = random.pick([1, 2, 4, 8]);
    const value = random.chance(0.5) ? random.pick(NASTY) : random.below(2 ** 32);
    for (let i = 0; i < width && at + i < bytes.length; i++)
      bytes[at + i] = i < 4 ? value >>> (8 * i) : random.pick([0, 0xff]);
  }
  return bytes;
}

function round(bytes: Uint8Array, random: Random): 'loaded' | 'refused' {
  buffer.fill(0, GUARD, GUARD + RAM);
  buffer.fill(0xa5, 0, GUARD).fill(0xa5, GUARD + RAM);
  const memory = new GuestMemory([{ gpa: 0, bytes: buffer.subarray(GUARD, GUARD + RAM) }]);
  const kernel = new TestFile('kernel', bytes);
  let outcome: 'loaded' | 'refused' = 'loaded';
  try {
    const entry = random.pick(['auto', 'auto', 'linux', 'pvh'] as const);
    loadGuest({ memory, kernel, initrd, commandLine: 'console=ttyS0', cpus: 1, entry });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    expect(error.message).toMatch(/^[A-Za-z][^\n]*\.$/);
    expect(error.remedy).toMatch(/\.$/);
    outcome = 'refused';
  }
  const guards = [...buffer.subarray(0, GUARD), ...buffer.subarray(GUARD + RAM)];
  if (guards.some(byte => byte !== 0xa5)) throw new Error('wrote outside of RAM');
  // Whatever a header claims, no read is larger than the file's head or the RAM it goes to.
  expect(kernel.longest).toBeLessThanOrEqual(Math.max(64 * 1024, RAM));
  return outcome;
}

const two = [
  LINUX_SEGMENT,
  { physical: 0x20_0000, virtual: 0xffff_ffff_8020_0000n, contents: COUNTING },
  pvhNote(0x10_0040),
];
const subjects: readonly [string, Uint8Array, readonly [number, number]][] = [
  ['a 64-bit ELF', elfFile({ entry: 0x10_0000, segments: two }).bytes, [4, 64 + 3 * 56]],
  ['a 32-bit ELF', elfFile({ bits: 32, entry: 0x10_0000, segments: two }).bytes, [4, 52 + 3 * 32]],
  ['the notes of an ELF', elfFile({ segments: two }).bytes, [64 + 3 * 56 + 512, 64 + 3 * 56 + 512 + 24]],
  ['a bzImage', bzImageFile().bytes, [0x1f1, 0x270]],
  ['an old bzImage', bzImageFile({ version: 0x206, relocatable: false }).bytes, [0x1f1, 0x270]],
];

describe('damaged kernels', () => {
  const seed = Number(process.env.FUZZ_SEED ?? 20_261_120);
  for (const [what, bytes, region] of subjects) {
    it(`like ${what} are loaded or refused, nothing else (seed ${seed})`, { timeout: 60_000 }, () => {
      const random = new Random(seed);
      const outcomes = { loaded: 0, refused: 0 };
      for (let i = 0; i < ROUNDS; i++) {
        const mutant = mutate(random, bytes, region);
        try {
          outcomes[round(mutant, random)]++;
        } catch (error) {
          throw new Error(`FUZZ_SEED=${seed}, round ${i}: ${Buffer.from(mutant.subarray(0, 0x300)).toString('hex')}`, {
            cause: error,
          });
        }
      }
      // Both ways must have been taken, or the mutations test nothing.
      expect(outcomes.loaded).toBeGreaterThan(ROUNDS / 100);
      expect(outcomes.refused).toBeGreaterThan(ROUNDS / 100);
    });
  }

  it(`that are noise are refused (seed ${seed})`, () => {
    const random = new Random(seed);
    for (let i = 0; i < 300; i++) {
      const noise = Uint8Array.from({ length: random.below(2000) }, () => random.below(256));
      if (random.chance(0.5)) noise.set([0x7f, 0x45, 0x4c, 0x46, 1 + random.below(2), 1].slice(0, noise.length));
      expect(round(noise, random)).toBe('refused');
    }
  });
});

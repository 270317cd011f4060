import { expect, it } from 'vitest';
import type { Width } from '../../../src/base/bits.ts';
import { pc } from './support.ts';

const SEED = 0x0dd_b175;
const ROUNDS = 100_000;
const WIDTHS: readonly Width[] = [1, 2, 4];
/** First port and number of ports of what is worth poking at. */
const AREAS = [
  [0x3f8, 8],
  [0x60, 5],
  [0x70, 2],
  [0x600, 6],
  [0x80, 1],
  [0x92, 1],
  [0x0, 0x1_0000],
] as const;

it(`survives random port accesses, seed ${SEED}`, () => {
  let state = SEED;
  const next = (below: number) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
  let now = 0;
  const { ports, pm, serial, line, sci, power } = pc({ now: () => now });
  for (let round = 0; round < ROUNDS; round++) {
    const [base, size] = AREAS[next(AREAS.length)]!;
    const port = base + next(size);
    const width = WIDTHS[next(3)]!;
    if (next(2) === 0) ports.write(port, width, next(2 ** 32));
    else {
      const value = ports.read(port, width);
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThanOrEqual(2 ** (8 * width) - 1);
    }
    if (next(16) === 0) {
      now += next(86_400_000);
      serial.transmitted.drain();
      serial.received.tryPush(next(256));
      serial.notifyReceived();
    }
    if (next(64) === 0) pm.pressPowerButton();
    // The line says what the identification register says, and the system control interrupt what status and enable say.
    const lcr = ports.read(0x3fb, 1);
    if (next(8) === 0 && (lcr & 0x80) === 0) {
      const level = line.level;
      expect((ports.read(0x3fa, 1) & 1) === 0).toBe(level);
    }
    expect(sci.level).toBe((ports.read(0x600, 2) & ports.read(0x602, 2)) !== 0);
  }
  // Levels alternate: no edge is driven twice.
  for (const { levels } of [line, sci]) expect(levels.every((level, i) => level === (i % 2 === 0))).toBe(true);
  expect(power.events).toContain('reset');
  expect(power.events).toContain('off');
});

import { describe, expect, it } from 'vitest';
import { fillScattered, gatherScattered, sliceScattered } from '../../src/devices/scatter.ts';

const pieces = () => [Uint8Array.of(1, 2), new Uint8Array(0), Uint8Array.of(3), Uint8Array.of(4, 5, 6)];
const flat = (parts: readonly Uint8Array[]) => parts.flatMap(part => [...part]);

describe('scattered memory', () => {
  it('is cut at any two bytes', () => {
    const whole = [1, 2, 3, 4, 5, 6];
    for (let from = 0; from <= 6; from++) {
      for (let to = from; to <= 6; to++) {
        const parts = sliceScattered(pieces(), from, to);
        expect(flat(parts)).toEqual(whole.slice(from, to));
        expect(parts.every(part => part.length > 0)).toBe(true);
      }
    }
  });

  it('is cut without copying', () => {
    const source = pieces();
    sliceScattered(source, 4, 6)[0]![0] = 99;
    expect(source[3]).toEqual(Uint8Array.of(4, 99, 6));
  });

  it('is filled and gathered as far as both sides reach', () => {
    const target = pieces();
    expect(fillScattered(target, Uint8Array.of(9, 8, 7, 6))).toBe(4);
    expect(flat(target)).toEqual([9, 8, 7, 6, 5, 6]);
    expect(fillScattered(target, new Uint8Array(10))).toBe(6);
    const out = new Uint8Array(4);
    expect(gatherScattered(pieces(), out)).toBe(4);
    expect(out).toEqual(Uint8Array.of(1, 2, 3, 4));
    expect(gatherScattered(pieces(), new Uint8Array(10))).toBe(6);
  });
});

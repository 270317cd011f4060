import { describe, expect, it } from 'vitest';
import { toMsf } from '../../../src/devices/scsi/toc.ts';

describe('minutes, seconds and frames', () => {
  it.each([
    [0, [0, 2, 0]],
    [74, [0, 2, 74]],
    [75, [0, 3, 0]],
    [360_000 - 150, [80, 0, 0]],
    [2 ** 31, [255, 59, 74]],
  ])('block %s', (block, expected) => {
    expect(toMsf(block)).toEqual(expected);
  });
});

import { describe, expect, it } from 'vitest';
import { median, summarize } from '../../../bench/lib/statistics.ts';

describe('summaries of samples', () => {
  it('finds the median of odd and even counts', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(() => median([])).toThrow(RangeError);
  });

  it('is not moved by one sample that met trouble', () => {
    expect(summarize([10, 11, 9, 10, 500])).toEqual({ count: 5, median: 10, min: 9, max: 500, deviation: 1 });
  });
});

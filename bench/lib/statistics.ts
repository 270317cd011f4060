// Few samples on a busy machine: the median says what is usual, the median absolute deviation how much to believe it, and both
// shrug off the one sample that met somebody else's work.

export interface Summary {
  count: number;
  median: number;
  min: number;
  max: number;
  /** Median absolute deviation from the median. */
  deviation: number;
}

export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('the median of nothing');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function summarize(values: readonly number[]): Summary {
  const center = median(values);
  return {
    count: values.length,
    median: center,
    min: Math.min(...values),
    max: Math.max(...values),
    deviation: median(values.map(value => Math.abs(value - center))),
  };
}

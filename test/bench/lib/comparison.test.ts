import { describe, expect, it } from 'vitest';
import { report, takeTurns } from '../../../bench/lib/comparison.ts';

describe('taking turns', () => {
  it('alternates, turns the order round, and throws the first round away', async () => {
    const order: string[] = [];
    const all = await takeTurns(['a', 'b'] as const, 2, async name => {
      order.push(name);
      return { time: order.length };
    });
    expect(order.join('')).toBe('abbaab');
    expect(all.get('time')?.get('a')).toEqual([4, 5]);
    expect(all.get('time')?.get('b')).toEqual([3, 6]);
  });

  it('reports medians, spread and the ratio to the first', async () => {
    const times = { a: 10, b: 25 };
    const all = await takeTurns(['a', 'b'] as const, 3, async name => ({ 'time (ms)': times[name] }));
    const lines = report(all, ['a', 'b']).split('\n');
    expect(lines[0]).toContain('ratio to a');
    expect(lines[2]?.split(/ {2,}/)).toEqual(['time (ms)', 'a', '10', '0', '10', '10', '3', '1']);
    expect(lines[3]?.split(/ {2,}/)).toEqual(['time (ms)', 'b', '25', '0', '25', '25', '3', '2.5']);
  });
});

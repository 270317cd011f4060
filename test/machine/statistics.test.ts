import { describe, expect, it } from 'vitest';
import { addStatistics, count, disagree, noStatistics } from '../../src/machine/statistics.ts';
import { statisticsText } from '../../src/machine/statistics-text.ts';

function some(exits: number) {
  const statistics = noStatistics();
  count(statistics.exits, 'KVM_EXIT_IO', exits);
  count(statistics.exits, 'KVM_EXIT_MMIO');
  count(statistics.registers, 'read  serial0.LSR', exits);
  count(statistics.emulated, 'popcnt', 3);
  Object.assign(statistics, { decoded: exits, mismatches: 1, cacheHits: 5, cacheMisses: 2, systemCalls: 4 });
  disagree(statistics, 'KVM reports one thing, the instruction another.');
  return statistics;
}

describe('statistics', () => {
  it('cross threads and add up', () => {
    const sum = noStatistics();
    addStatistics(sum, structuredClone(some(10)));
    addStatistics(sum, structuredClone(some(20)));
    expect(sum.exits).toEqual(
      new Map([
        ['KVM_EXIT_IO', 30],
        ['KVM_EXIT_MMIO', 2],
      ]),
    );
    expect(sum).toMatchObject({ decoded: 30, mismatches: 2, cacheHits: 10, cacheMisses: 4, systemCalls: 8 });
    expect(sum.disagreements).toHaveLength(2);
  });

  it('keep the first few disagreements only', () => {
    const sum = noStatistics();
    for (let i = 0; i < 1000; i++) disagree(sum, `${i}`);
    expect(sum.disagreements).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
  });

  it('are printed with the most frequent first', () => {
    expect(statisticsText(some(10), [some(10)])).toEqual([
      '11 exits:',
      '       10  KVM_EXIT_IO',
      '        1  KVM_EXIT_MMIO',
      '10 register accesses:',
      '       10  read  serial0.LSR',
      "Decoded at 11 exits, 1 mismatch against KVM's reading.",
      'Instruction cache: 5 hits, 2 misses.',
      '  KVM reports one thing, the instruction another.',
      '3 instructions that KVM refuses, run by tslaunch:',
      '        3  popcnt',
      '4 system calls completed for KVM.',
    ]);
  });

  it('tell vCPUs apart and sum up long tables', () => {
    const many = noStatistics();
    for (let i = 0; i < 100; i++) count(many.registers, `read  device.R${i}`);
    const lines = statisticsText(many, [some(1), some(7)]);
    expect(lines).toContain('        8  vCPU 1');
    expect(lines).toContain('       60  in 60 more rows');
  });
});

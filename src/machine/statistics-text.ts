/** Statistics as a table to read: most frequent first. */
import type { Statistics } from './statistics.ts';

/** Rows of a long table; the rest is summed up. */
const ROWS = 40;

const total = (map: ReadonlyMap<string, number>) => [...map.values()].reduce((sum, times) => sum + times, 0);
const times = (n: number, what: string, many = `${what}s`) => `${n} ${n === 1 ? what : many}`;

function table(title: string, map: ReadonlyMap<string, number>): string[] {
  if (map.size === 0) return [];
  const rows = [...map].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  const shown = rows.slice(0, ROWS);
  const width = Math.max(...shown.map(([, n]) => String(n).length), 7);
  const lines = [title, ...shown.map(([name, n]) => `  ${String(n).padStart(width)}  ${name}`)];
  const rest = rows.slice(ROWS);
  if (rest.length > 0) {
    const n = rest.reduce((sum, [, each]) => sum + each, 0);
    lines.push(`  ${String(n).padStart(width)}  in ${rest.length} more rows`);
  }
  return lines;
}

/** `vcpus` in the order of their numbers. Lines for stderr. */
export function statisticsText(sum: Statistics, vcpus: readonly Statistics[]): string[] {
  const lines = table(`${times(total(sum.exits), 'exit')}:`, sum.exits);
  if (vcpus.length > 1) {
    lines.push('Exits by vCPU:', ...vcpus.map((each, id) => `  ${String(total(each.exits)).padStart(7)}  vCPU ${id}`));
  }
  lines.push(...table(`${times(total(sum.registers), 'register access', 'register accesses')}:`, sum.registers));
  lines.push(
    `Decoded at ${times(sum.decoded + sum.mismatches, 'exit')}, ${times(sum.mismatches, 'mismatch', 'mismatches')} against KVM's reading.`,
    `Instruction cache: ${times(sum.cacheHits, 'hit')}, ${times(sum.cacheMisses, 'miss', 'misses')}.`,
    ...sum.disagreements.map(reason => `  ${reason}`),
  );
  lines.push(...table(`${times(total(sum.emulated), 'instruction')} that KVM refuses, run by tslaunch:`, sum.emulated));
  lines.push(...table('Exceptions that they caused:', sum.exceptions));
  if (sum.systemCalls > 0) lines.push(`${times(sum.systemCalls, 'system call')} completed for KVM.`);
  return lines;
}

/** What devices counted, a table each, in the devices' own order. Lines for stderr. */
export function countersText(devices: ReadonlyMap<string, Readonly<Record<string, number>>>): string[] {
  return [...devices].flatMap(([name, counters]) => {
    const width = Math.max(...Object.values(counters).map(n => String(n).length), 7);
    return [`${name}:`, ...Object.entries(counters).map(([what, n]) => `  ${String(n).padStart(width)}  ${what}`)];
  });
}

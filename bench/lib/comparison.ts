// Side by side means in one run: the contenders take turns, sample by sample, so that whatever else the machine does in the
// meantime hits all of them alike; and the order turns round each time, so that nobody always comes second.
import { type Summary, summarize } from './statistics.ts';
import { short, table } from './table.ts';

/** One measured quantity, by contender. */
export type Measurements<Name extends string> = Map<string, Map<Name, number[]>>;

/** What one turn of one contender gave: quantity to value. */
export type Sample = Record<string, number>;

/** Takes `rounds` samples of each contender, in turns. A first round is thrown away: it fills caches. */
export async function takeTurns<Name extends string>(
  contenders: readonly Name[],
  rounds: number,
  measure: (name: Name) => Promise<Sample>,
  onSample: (name: Name, round: number, sample: Sample) => void = () => {},
): Promise<Measurements<Name>> {
  const all: Measurements<Name> = new Map();
  for (let round = 0; round <= rounds; round++) {
    for (const name of round % 2 ? [...contenders].reverse() : contenders) {
      const sample = await measure(name);
      onSample(name, round, sample);
      if (round > 0) record(all, name, sample);
    }
  }
  return all;
}

export function record<Name extends string>(all: Measurements<Name>, name: Name, sample: Sample): void {
  for (const [quantity, value] of Object.entries(sample)) {
    const byName = all.get(quantity) ?? new Map<Name, number[]>();
    all.set(quantity, byName);
    byName.set(name, [...(byName.get(name) ?? []), value]);
  }
}

/** A row for each quantity and contender, in the contenders' order, with the ratio of its median to that of the first one. */
export function report<Name extends string>(all: Measurements<Name>, contenders: readonly Name[]): string {
  const rows: string[][] = [];
  const reference = contenders[0]!;
  for (const [quantity, byName] of all) {
    const base = byName.get(reference);
    for (const name of contenders) {
      const values = byName.get(name);
      if (!values) continue;
      const summary = summarize(values);
      const ratio = base ? short(summary.median / summarize(base).median) : '';
      rows.push([quantity, name, ...cells(summary), ratio]);
    }
  }
  return table(['quantity', 'launcher', 'median', '±MAD', 'min', 'max', 'samples', `ratio to ${reference}`], rows);
}

function cells(summary: Summary): string[] {
  const { median, deviation, min, max, count } = summary;
  return [short(median), short(deviation), short(min), short(max), String(count)];
}

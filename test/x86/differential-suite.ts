/** Defines one test a family that compares all its rows with the host's CPU, and says what was skipped and why. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FAMILIES } from '../../src/x86/emulate/families.ts';
import { Differential, STATES, skipReason } from './differential.ts';

export function defineDifferential(titles: readonly string[]): void {
  describe(`on the host's CPU, ${STATES} states a row`, () => {
    let differential: Differential;
    beforeAll(() => {
      differential = new Differential();
    });
    afterAll(() => differential.close());

    for (const title of titles) {
      it(title, { timeout: 1_800_000 }, () => {
        const family = FAMILIES.find(candidate => candidate.title === title);
        if (!family) throw new Error(`no family "${title}"`);
        const skipped: string[] = [];
        const failures: string[] = [];
        const rare: string[] = [];
        for (const [i, row] of family.rows.entries()) {
          const reason = skipReason(row);
          if (reason) {
            skipped.push(`${row.encoding} ${row.name}: ${reason}`);
            continue;
          }
          const verdict = differential.judge(row, STATES, 0xc0ffee + i);
          if (verdict.failure) failures.push(verdict.failure);
          else if (verdict.ran < STATES / 4)
            rare.push(`${row.encoding} ${row.name}: ran in ${verdict.ran} of ${STATES}`);
        }
        if (skipped.length > 0) console.log(`${title}: skipped\n  ${skipped.join('\n  ')}`);
        expect(failures.join('\n')).toBe('');
        expect(rare.join('\n')).toBe('');
      });
    }
  });
}

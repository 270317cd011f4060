import { describe, expect, it } from 'vitest';
import { InterruptKey } from '../../../src/cli/terminal/interrupt-key.ts';

/** Types texts at given ms; tells at which of them the gesture was complete. */
function typed(...events: readonly [at: number, text: string][]): number[] {
  let now = 0;
  const key = new InterruptKey(() => now);
  return events.flatMap(([at, text]) => {
    now = at;
    return key.typed(Buffer.from(text)) ? [at] : [];
  });
}

describe('^C^C^C', () => {
  it('within a second is for the launcher', () => {
    expect(typed([0, '\x03'], [500, '\x03'], [1000, '\x03'])).toEqual([1000]);
    expect(typed([7, '\x03\x03\x03'])).toEqual([7]);
  });

  it('more slowly is for the guest, however often', () => {
    expect(typed([0, '\x03'], [500, '\x03'], [1001, '\x03'])).toEqual([]);
    expect(typed([0, '\x03'], [600, '\x03'], [1200, '\x03'], [1800, '\x03'])).toEqual([]);
  });

  it('counts the latest three', () => {
    expect(typed([0, '\x03'], [900, '\x03'], [1100, '\x03'], [1300, '\x03'])).toEqual([1300]);
  });

  it('with anything between is for the guest', () => {
    expect(typed([0, '\x03'], [1, '\x03'], [2, 'x'], [3, '\x03'])).toEqual([]);
    expect(typed([0, '\x03\x03x\x03'])).toEqual([]);
  });

  it('starts over when it is complete', () => {
    expect(typed([0, '\x03\x03\x03'], [1, '\x03'], [2, '\x03'], [3, '\x03'])).toEqual([0, 3]);
  });
});

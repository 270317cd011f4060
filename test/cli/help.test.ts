import { describe, expect, it } from 'vitest';
import { helpText } from '../../src/cli/help.ts';
import { OPTIONS, USAGE } from '../../src/cli/options.ts';

describe('the help text', () => {
  it('fits 80 columns', async () => {
    const wide = (await helpText()).split('\n').filter(line => line.length > 80);
    expect(wide).toEqual([]);
  });

  it('names every option with its short name and value, once', async () => {
    const lines = (await helpText()).split('\n');
    for (const { name, short, value, without } of OPTIONS) {
      const heading = `${short ? `-${short}, ` : ''}--${name}${value ? (without ? `[=${value}]` : ` ${value}`) : ''} `;
      expect(
        lines.filter(line => line.trimStart().startsWith(heading)),
        heading,
      ).toHaveLength(1);
    }
  });

  it('has usage, groups and examples', async () => {
    const text = await helpText();
    for (const part of [USAGE, 'Machine:', 'Devices:', 'Examples:', 'tslaunch doctor']) expect(text).toContain(part);
    expect(text).toMatch(/[^\n]\n$/);
  });
});

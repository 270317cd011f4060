import { describe, expect, it } from 'vitest';
import { IntxRouter, intxGsi } from '../../src/pci/intx-router.ts';
import { RegisterFile } from '../../src/state/register-file.ts';

function router(buffer?: SharedArrayBuffer) {
  const registers = buffer ? new RegisterFile(buffer) : RegisterFile.create(1024);
  const driven: [number, boolean][] = [];
  return { registers, driven, router: new IntxRouter(registers, (gsi, level) => driven.push([gsi, level])) };
}

describe('IntxRouter', () => {
  it('keeps a shared line up until the last of its pins goes down', () => {
    const { router: intx, driven } = router();
    expect(intxGsi(1)).toBe(intxGsi(9));
    intx.line(1).set(true);
    intx.line(9).set(true);
    intx.line(1).set(false);
    expect(driven).toEqual([[10, true]]);
    intx.line(9).set(false);
    expect(driven).toEqual([
      [10, true],
      [10, false],
    ]);
  });

  it('keeps lines apart', () => {
    const { router: intx, driven } = router();
    intx.set(1, true);
    intx.set(2, true);
    intx.set(2, true);
    expect(driven).toEqual([
      [10, true],
      [11, true],
    ]);
  });

  it('agrees between threads', () => {
    const one = router();
    const other = router(one.registers.buffer);
    one.router.set(1, true);
    other.router.set(9, true);
    other.router.set(1, false);
    one.router.set(9, false);
    expect([one.driven, other.driven]).toEqual([
      [
        [10, true],
        [10, false],
      ],
      [],
    ]);
  });

  it('lowers everything at reset', () => {
    const { router: intx, driven } = router();
    intx.set(3, true);
    driven.length = 0;
    intx.reset();
    expect(driven).toHaveLength(8);
    expect(driven.every(([, level]) => !level)).toBe(true);
    intx.set(11, true);
    expect(driven.at(-1)).toEqual([6, true]);
    expect(() => intx.set(32, true)).toThrow(RangeError);
  });
});

import { describe, expect, it } from 'vitest';
import { pc } from './support.ts';

const MiB = 1024 * 1024;

function clock(memorySize = 512 * MiB) {
  let now = Date.parse('2026-11-20T10:42:03.500Z');
  const machine = pc({ memorySize, now: () => now });
  const { ports } = machine;
  const read = (index: number) => {
    ports.write(0x70, 1, index);
    return ports.read(0x71, 1);
  };
  const write = (index: number, value: number) => {
    ports.write(0x70, 1, index);
    ports.write(0x71, 1, value);
  };
  const time = () => [9, 8, 7, 4, 2, 0].map(at => read(at).toString(16).padStart(2, '0')).join(' ');
  return { ...machine, read, write, time, advance: (ms: number) => (now += ms) };
}

describe('Rtc', () => {
  it('tells the time it is given, in BCD and 24 hours, never in the middle of an update', () => {
    const { read, time, advance } = clock();
    expect([time(), read(0x32), read(6)]).toEqual(['26 11 20 10 42 03', 0x20, 6]);
    advance(600);
    expect(time()).toBe('26 11 20 10 42 04');
    for (let i = 0; i < 100; i++) {
      advance(13);
      expect(read(0x0a)).toBe(0x26);
    }
    expect([read(0x0b), read(0x0c), read(0x0d)]).toEqual([0x02, 0, 0x80]);
  });

  it('is set the way Linux sets it, and goes on from there', () => {
    const { write, time, advance, registers } = clock();
    write(0x0b, 0x82);
    for (const [at, value] of [
      [9, 0x30],
      [8, 0x01],
      [7, 0x31],
      [4, 0x23],
      [2, 0x59],
      [0, 0x50],
      [0x32, 0x20],
    ] as const) {
      write(at, value);
    }
    advance(7000);
    expect(time()).toBe('30 01 31 23 59 50');
    write(0x0b, 0x02);
    advance(15_000);
    expect(time()).toBe('30 02 01 00 00 05');
    const other = pc({ buffer: registers.buffer, now: () => Date.parse('2026-11-20T10:42:25.500Z') });
    other.ports.write(0x70, 1, 9);
    expect(other.ports.read(0x71, 1)).toBe(0x30);
  });

  it('keeps its memory and its time over a restart, as a battery does', () => {
    const { read, write, time, reset } = clock();
    write(0x40, 0x5a);
    write(7, 0x24);
    write(0x15, 0);
    reset();
    expect([read(0x40), time()]).toEqual([0x5a, '26 11 24 10 42 03']);
    expect(read(0x15) + read(0x16) * 256).toBe(640);
  });

  it('takes a single register while it runs', () => {
    const { write, time, advance } = clock();
    write(4, 0x05);
    advance(1000);
    expect(time()).toBe('26 11 20 05 42 04');
  });

  it('shows binary and 12 hours where software wants that', () => {
    const { write, read, advance } = clock();
    advance(4 * 3600 * 1000);
    write(0x0b, 0x06);
    expect([read(2), read(4)]).toEqual([42, 14]);
    write(0x0b, 0x00);
    expect(read(4)).toBe(0x82);
  });

  it('keeps its memory and alarm registers, not its read-only ones', () => {
    const { write, read, reset } = clock();
    for (const at of [1, 3, 5, 0x0e, 0x40, 0x7f]) write(at, at ^ 0x5a);
    write(0x80 | 0x41, 0x77);
    expect([1, 3, 5, 0x0e, 0x40, 0x7f, 0x41].map(read)).toEqual(
      [1, 3, 5, 0x0e, 0x40, 0x7f].map(v => v ^ 0x5a).concat(0x77),
    );
    write(0x0c, 0xff);
    write(0x0d, 0);
    write(0x0a, 0xff);
    expect([0x0c, 0x0d, 0x0a].map(read)).toEqual([0, 0x80, 0x7f]);
    reset();
    expect(read(0x0a)).toBe(0x26);
  });

  it.each([
    [4 * MiB, 640, 3 * 1024, 0, 0],
    [64 * MiB, 640, 63 * 1024, 768, 0],
    [512 * MiB, 640, 0xffff, 7936, 0],
    [5120 * MiB, 640, 0xffff, 48896, 32768],
  ])('tells firmware-style memory sizes for %i bytes', (size, base, extended, above16M, above4G) => {
    const { read } = clock(size);
    const word = (low: number, high: number) => read(low) + read(high) * 256;
    expect([word(0x15, 0x16), word(0x17, 0x18), word(0x30, 0x31)]).toEqual([base, extended, extended]);
    expect([word(0x34, 0x35), word(0x5b, 0x5c) + read(0x5d) * 65536]).toEqual([above16M, above4G]);
  });

  it('names the byte behind the data port; the index port cannot be read', () => {
    const { ports } = clock();
    const rtc = ports.resolve(0x70)!.block;
    ports.write(0x70, 2, 0x1105);
    expect([rtc.registerName?.(0), rtc.registerName?.(1), ports.read(0x70, 2)]).toEqual([
      'index',
      'hoursAlarm',
      0x11ff,
    ]);
    ports.write(0x70, 1, 0x60);
    expect(rtc.registerName?.(1)).toBe('cmos[96]');
  });
});

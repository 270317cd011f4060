import { describe, expect, it } from 'vitest';
import { DriverError } from '../../../src/base/errors.ts';
import { parseBlockRequest, S, T } from '../../../src/devices/block/request.ts';
import { Random } from '../random.ts';
import { chainOf, header, range } from './support.ts';

const disk = { sectors: 100, readOnly: false, discards: true };
const parse = (readable: Uint8Array[], writable: Uint8Array[], limits = disk) =>
  parseBlockRequest(chainOf(readable, writable), limits);
const read = (sector: number | bigint, length: number) => parse([header(T.IN, sector)], [new Uint8Array(length + 1)]);
const write = (sector: number | bigint, length: number, limits = disk) =>
  parse([header(T.OUT, sector), new Uint8Array(length)], [new Uint8Array(1)], limits);
const refused = { kind: 'refuse', status: S.IOERR };

describe('a block request', () => {
  it('is a read at the header’s sector into all but the last writable byte', () => {
    const { action, room, status } = read(3, 1024);
    expect(action).toMatchObject({ kind: 'read', offset: 1536 });
    expect(action.kind === 'read' && action.data[0]!.length).toBe(1024);
    expect(room).toBe(1024);
    expect(status).toHaveLength(1);
  });

  it('is a write of what follows the header', () => {
    expect(write(0, 512).action).toMatchObject({ kind: 'write', offset: 0, data: [new Uint8Array(512)] });
  });

  it('keeps to the disk', () => {
    expect(read(99, 512).action.kind).toBe('read');
    expect(read(100, 0).action.kind).toBe('read');
    expect(read(100, 512).action).toEqual(refused);
    expect(read(99, 1024).action).toEqual(refused);
    expect(write(99, 1024).action).toEqual(refused);
    for (const sector of [2n ** 32n, 2n ** 53n, 2n ** 55n, 2n ** 63n, 2n ** 64n - 1n]) {
      expect(read(sector, 512).action).toEqual(refused);
      expect(write(sector, 512).action).toEqual(refused);
      expect(read(sector, 0).action).toEqual(refused);
    }
  });

  it('moves whole sectors', () => {
    expect(read(0, 511).action).toEqual(refused);
    expect(write(0, 513).action).toEqual(refused);
  });

  it('never writes to a read-only disk (5.2.6.2)', () => {
    expect(write(0, 512, { ...disk, readOnly: true }).action).toEqual(refused);
  });

  it('may flush, or ask for the serial number', () => {
    expect(parse([header(T.FLUSH)], [new Uint8Array(1)]).action).toEqual({ kind: 'flush' });
    expect(parse([header(T.GET_ID)], [new Uint8Array(21)]).action).toMatchObject({ kind: 'identify' });
  });

  describe.each([
    ['discard', T.DISCARD],
    ['zero', T.WRITE_ZEROES],
  ] as const)('to %s', (kind, type) => {
    const ask = (ranges: Uint8Array[], limits = disk) =>
      parse([header(type), ...ranges], [new Uint8Array(1)], limits).action;
    const large = { ...disk, sectors: 2 ** 40 };

    it('names ranges of sectors', () => {
      expect(ask([range(0, 8), range(99, 1)])).toEqual({
        kind,
        ranges: [
          { offset: 0, length: 4096, unmap: false },
          { offset: 99 * 512, length: 512, unmap: false },
        ],
      });
      expect(ask([range(100, 0)])).toEqual({ kind, ranges: [] });
      expect(ask([range(2 ** 33, 2 ** 22)], large)).toMatchObject({ ranges: [{ offset: 2 ** 42, length: 2 ** 31 }] });
    });

    it('keeps to the disk and to the limits, all or nothing', () => {
      for (const ranges of [
        [range(100, 1)],
        [range(0, 1), range(99, 2)],
        [range(2 ** 33, 1)],
        [range(2n ** 64n - 1n, 2)],
        [],
        [range(0, 1).subarray(0, 15)],
        [range(0, 1), new Uint8Array(1)],
        Array.from({ length: 65 }, () => range(0, 1)),
      ]) {
        expect(ask(ranges)).toEqual(refused);
      }
      expect(ask([range(0, 2 ** 22 + 1)], large)).toEqual(refused);
      expect(ask(Array.from({ length: 64 }, () => range(0, 1)))).toMatchObject({ kind });
    });

    it('knows no flags but unmap, and that for zeroes alone (5.2.6.2)', () => {
      const unsupported = { kind: 'refuse', status: S.UNSUPP };
      for (const flags of [2, 3, 0x8000_0000]) expect(ask([range(0, 1), range(0, 1, flags)])).toEqual(unsupported);
      expect(ask([range(0, 1, 1)])).toEqual(
        kind === 'zero' ? { kind, ranges: [{ offset: 0, length: 512, unmap: true }] } : unsupported,
      );
    });

    it('needs a disk that is written', () => {
      expect(ask([range(0, 1)], { ...disk, readOnly: true }).kind).toBe('refuse');
    });
  });

  it('to discard is unsupported where that is not offered', () => {
    const { action } = parse([header(T.DISCARD), range(0, 1)], [new Uint8Array(1)], { ...disk, discards: false });
    expect(action).toEqual({ kind: 'refuse', status: S.UNSUPP });
  });

  it('of another type is unsupported', () => {
    for (const type of [2, 3, 5, 9, 10, 12, 14, 0x8000_0000, 0xffff_ffff]) {
      expect(parse([header(type)], [new Uint8Array(1)]).action).toEqual({ kind: 'refuse', status: S.UNSUPP });
    }
  });

  it('without a whole header or a status byte cannot be answered', () => {
    expect(() => parse([header(T.IN).subarray(0, 15)], [new Uint8Array(513)])).toThrow(DriverError);
    expect(() => parse([], [new Uint8Array(513)])).toThrow(DriverError);
    expect(() => parse([header(T.OUT), new Uint8Array(512)], [])).toThrow(DriverError);
  });

  it('means the same however it is cut into descriptors (2.7.4)', () => {
    const seed = 0xb10c;
    const random = new Random(seed);
    for (let i = 0; i < 500; i++) {
      const sectors = random.below(4);
      const sector = random.below(100);
      const out = random.below(2) === 1;
      const payload = random.bytes(out ? sectors * 512 : 0);
      const readable = new Uint8Array([...header(out ? T.OUT : T.IN, sector), ...payload]);
      const writable = random.bytes((out ? 0 : sectors * 512) + 1);
      const whole = parse([readable], [writable]);
      const cut = parse(random.cut(readable, 400), random.cut(writable, 400));
      const flat = (action: typeof whole.action) =>
        'data' in action ? { ...action, data: action.data.flatMap(part => [...part]) } : action;
      expect(flat(cut.action), `seed ${seed}, round ${i}`).toEqual(flat(whole.action));
      expect(cut.room).toBe(whole.room);
      cut.status[0] = 0xa5;
      expect(writable.at(-1), `seed ${seed}, round ${i}`).toBe(0xa5);
    }
  });
});

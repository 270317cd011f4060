import { describe, expect, it } from 'vitest';
import { DriverError } from '../../../src/base/errors.ts';
import { parseBlockRequest, S, T } from '../../../src/devices/block/request.ts';
import { Random } from '../random.ts';
import { chainOf, header } from './support.ts';

const disk = { sectors: 100, readOnly: false };
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
    expect(write(0, 512, { sectors: 100, readOnly: true }).action).toEqual(refused);
  });

  it('may flush, or ask for the serial number', () => {
    expect(parse([header(T.FLUSH)], [new Uint8Array(1)]).action).toEqual({ kind: 'flush' });
    expect(parse([header(T.GET_ID)], [new Uint8Array(21)]).action).toMatchObject({ kind: 'identify' });
  });

  it('of another type is unsupported', () => {
    for (const type of [2, 3, 5, 9, 11, 13, 0x8000_0000, 0xffff_ffff]) {
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

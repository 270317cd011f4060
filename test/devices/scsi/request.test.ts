import { describe, expect, it } from 'vitest';
import { DriverError } from '../../../src/base/errors.ts';
import { FIRST_SIZES } from '../../../src/devices/scsi/registers.ts';
import { addressed, answer, parseScsiRequest } from '../../../src/devices/scsi/request.ts';
import { SENSE } from '../../../src/devices/scsi/sense.ts';
import { chainOf } from '../block/support.ts';
import { Random } from '../random.ts';
import { address, command } from './support.ts';

describe('an address', () => {
  it.each([
    [address(), 'drive'],
    [Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0), 'drive'],
    [address({ lun: 1 }), 'no-unit'],
    [address({ lun: 256 }), 'no-unit'],
    [Uint8Array.of(1, 0, 0xc1, 1, 0, 0, 0, 0), 'no-unit'],
    [Uint8Array.of(1, 0, 0x40, 0, 0, 0, 0, 9), 'no-unit'],
    [address({ target: 1 }), 'no-target'],
    [address({ target: 255, lun: 3 }), 'no-target'],
    [address({ format: 0 }), 'no-target'],
    [new Uint8Array(8), 'no-target'],
  ])('%s', (lun, expected) => {
    expect(addressed(lun)).toBe(expected);
  });
});

describe('a request', () => {
  it('is found in any pieces', () => {
    const random = new Random(3);
    const readable = new Uint8Array([...command([0x28, 0, 0, 0, 9], { id: 0x1234_5678_9abcn }), 7, 7, 7]);
    for (let i = 0; i < 50; i++) {
      const writable = random.cut(new Uint8Array(108 + 4096), 500);
      const request = parseScsiRequest(chainOf(random.cut(readable, 9), writable), FIRST_SIZES);
      expect(request).toMatchObject({ to: 'drive', id: 0x1234_5678_9abcn, outLength: 3, room: 4096 });
      expect([...request.cdb.subarray(0, 6)]).toEqual([0x28, 0, 0, 0, 9, 0]);
      expect(request.data.reduce((sum, piece) => sum + piece.length, 0)).toBe(4096);
    }
  });

  it('has command block and sense data of the sizes that the driver chose', () => {
    const chain = chainOf([command([0x12, 1], { cdbSize: 2 })], [new Uint8Array(12 + 100)]);
    const request = parseScsiRequest(chain, { sense: 0, cdb: 2 });
    expect([...request.cdb]).toEqual([0x12, 1, ...new Array(14).fill(0)]);
    expect(request.room).toBe(100);
    expect(
      parseScsiRequest(chainOf([command([1], { cdbSize: 200 })], [new Uint8Array(12)]), { sense: 0, cdb: 200 }),
    ).toMatchObject({ outLength: 0, room: 0 });
  });

  it.each([
    ['no command', [], [200], 'header'],
    ['half a header', [50], [200], 'header'],
    ['no response', [51], [], 'response of 108'],
    ['half a response', [51], [12, 95], 'response of 108'],
  ])('with %s is a mistake', (_what, readable, writable, reason) => {
    const sized = (lengths: readonly number[]) => lengths.map(length => new Uint8Array(length));
    const parse = () => parseScsiRequest(chainOf(sized(readable), sized(writable)), FIRST_SIZES);
    expect(parse).toThrow(DriverError);
    expect(parse).toThrow(reason);
  });
});

describe('an answer', () => {
  const written = (pieces: readonly number[], sizes = FIRST_SIZES) => {
    const writable = pieces.map(length => new Uint8Array(length).fill(0xee));
    return { writable, sizes, all: () => Buffer.concat(writable) };
  };
  const request = { outLength: 0, room: 500 };

  it('tells how much of the data did not come', () => {
    const { writable, all } = written([7, 101, 500]);
    expect(answer({ writable }, request, FIRST_SIZES, { kind: 'good', written: 36 })).toBe(144);
    expect(all().subarray(0, 12).toString('hex')).toBe('00000000' + 'd0010000' + '0000' + '00' + '00');
    expect(
      all()
        .subarray(12, 108)
        .every(byte => byte === 0),
    ).toBe(true);
    expect(all()[108]).toBe(0xee);
  });

  it('carries sense data, as much as there is room for', () => {
    const { writable, all } = written([108]);
    const outcome = { kind: 'check', sense: SENSE.unknownCommand } as const;
    expect(answer({ writable }, { outLength: 9, room: 0 }, FIRST_SIZES, outcome)).toBe(108);
    expect(all().subarray(0, 30).toString('hex')).toBe(
      '12000000' + '09000000' + '0000' + '02' + '00' + '700005000000000a00000000200000000000',
    );
    const short = written([16]);
    expect(answer(short, request, { cdb: 32, sense: 4 }, outcome)).toBe(16);
    expect(short.all().toString('hex')).toBe('04000000' + 'f4010000' + '0000' + '02' + '00' + '70000500');
  });

  it('may be that of the transport', () => {
    const { writable, all } = written([108]);
    expect(answer({ writable }, request, FIRST_SIZES, { kind: 'transport', response: 3 })).toBe(108);
    expect([all().readUInt32LE(0), all()[10], all()[11]]).toEqual([0, 0, 3]);
  });
});

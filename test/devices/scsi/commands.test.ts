import { beforeEach, describe, expect, it } from 'vitest';
import type { Answer } from '../../../src/devices/scsi/command.ts';
import { COMMANDS, execute, executeForAbsentUnit } from '../../../src/devices/scsi/commands.ts';
import { Drive } from '../../../src/devices/scsi/drive.ts';
import { Random } from '../random.ts';

const BLOCKS = 1000;
let drive: Drive;
beforeEach(() => {
  drive = new Drive(BLOCKS, 'S-1');
  drive.takeAttention();
});
const run = (...cdb: number[]): Answer => execute(drive, padded(cdb));
const padded = (cdb: readonly number[]) => Uint8Array.from({ length: 16 }, (_, i) => cdb[i] ?? 0);
/** Data in hexadecimal, reads as `block+count`, sense as `05/20/00`. */
function say(answer: Answer): string {
  if (answer.kind === 'data') return Buffer.from(answer.bytes).toString('hex');
  if (answer.kind === 'read') return `${answer.block}+${answer.count}`;
  const { key, asc, ascq } = answer.sense;
  return [key, asc, ascq].map(byte => byte.toString(16).toUpperCase().padStart(2, '0')).join('/');
}
const EJECT = [0x1b, 0, 0, 0, 2];
const LOAD = [0x1b, 0, 0, 0, 3];
const READY = [0x00];
const lock = (how: number) => [0x1e, 0, 0, 0, how];
const event = (...rest: number[]) => [0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8, ...rest];

describe('reading', () => {
  it.each([
    ['READ(6)', [0x08, 0x00, 0x01, 0x02, 3], '258+3'],
    ['READ(6), where 0 blocks are 256', [0x08, 0, 0, 0, 0], '0+256'],
    ['READ(6), whose address has 21 bits', [0x08, 0xe0, 0, 5, 1], '5+1'],
    ['READ(10)', [0x28, 0, 0, 0, 1, 2, 0, 2, 0x10], '258+528'],
    ['READ(10) of the last block', [0x28, 0, 0, 0, 3, 0xe7, 0, 0, 1], '999+1'],
    ['READ(10) past the end', [0x28, 0, 0, 0, 3, 0xe7, 0, 0, 2], '05/21/00'],
    ['READ(10) of nothing', [0x28, 0, 0, 0, 0, 9, 0, 0, 0], '9+0'],
    ['READ(10) of nothing past the end', [0x28, 0, 0, 0, 3, 0xe8, 0, 0, 0], '05/21/00'],
    ['READ(10) with protection', [0x28, 0x20, 0, 0, 0, 9, 0, 0, 1], '05/24/00'],
    ['READ(12)', [0xa8, 0, 0, 0, 0, 7, 0, 0, 1, 4], '7+260'],
    ['READ(12) of everything and more', [0xa8, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff], '05/21/00'],
    ['READ(16)', [0x88, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 2], '256+2'],
    ['READ(16) beyond 2^53', [0x88, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1], '05/21/00'],
  ])('%s', (_what, cdb, expected) => {
    expect(say(run(...cdb))).toBe(expected);
  });

  it('tells the capacity: the last block, and 2048 bytes', () => {
    expect(say(run(0x25))).toBe('000003e700000800');
    expect(say(run(0x25, 0, 0, 0, 0, 1))).toBe('05/24/00');
    expect(say(run(0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32))).toBe(
      `00000000000003e700000800${'00'.repeat(20)}`,
    );
    expect(say(run(0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8))).toBe('00000000000003e7');
    expect(say(run(0x9e, 0x11))).toBe('05/24/00');
  });

  it('tells of a medium too long for the short form', () => {
    drive = new Drive(2 ** 33, 'x');
    drive.takeAttention();
    expect(say(run(0x25))).toBe('ffffffff00000800');
    expect(say(run(0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12))).toBe('00000001ffffffff00000800');
  });
});

describe('who it is', () => {
  const text = (answer: Answer) => (answer.kind === 'data' ? Buffer.from(answer.bytes).toString('latin1') : '');

  it('a removable CD-ROM', () => {
    const answer = run(0x12, 0, 0, 0, 255);
    expect(say(answer).slice(0, 16)).toBe('058005121f000002');
    expect(text(answer).slice(8)).toBe('TSLAUNCHCD-ROM          1.0 ');
    expect(say(run(0x12, 0, 0, 0, 5))).toBe('058005121f');
    expect(say(run(0x12, 0, 0, 0, 0))).toBe('');
  });

  it('vital product data', () => {
    expect(say(run(0x12, 1, 0, 0, 255))).toBe('05000003008083');
    expect(text(run(0x12, 1, 0x80, 0, 255)).slice(4)).toBe('S-1');
    expect(say(run(0x12, 1, 0x83, 0, 255)).slice(0, 16)).toBe('0583000f0201000b');
    expect(text(run(0x12, 1, 0x83, 0, 255)).slice(8)).toBe('TSLAUNCHS-1');
    expect(say(run(0x12, 1, 0xb0, 0, 255))).toBe('05/24/00');
    expect(say(run(0x12, 0, 0x80, 0, 255))).toBe('05/24/00');
  });

  it('one logical unit', () => {
    const all = `00000008${'00'.repeat(12)}`;
    expect(say(run(0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 16))).toBe(all);
    expect(say(run(0xa0, 0, 2, 0, 0, 0, 0, 0, 0, 16))).toBe(all);
    expect(say(run(0xa0, 0, 1, 0, 0, 0, 0, 0, 0, 16))).toBe('0000000000000000');
    expect(say(run(0xa0, 0, 9, 0, 0, 0, 0, 0, 0, 16))).toBe('05/24/00');
  });

  it('and no other', () => {
    expect(say(executeForAbsentUnit(padded([0x12, 0, 0, 0, 6])))).toBe('7f8005121f00');
    expect(say(executeForAbsentUnit(padded([0x03, 0, 0, 0, 18])))).toBe('700005000000000a00000000250000000000');
    expect(say(executeForAbsentUnit(padded(READY)))).toBe('05/25/00');
    expect(say(executeForAbsentUnit(padded([0xff])))).toBe('05/25/00');
  });
});

describe('how it is set up', () => {
  it('mode pages, for six bytes and for ten', () => {
    const page = '2a161b00700029001b80000008001b80'.padEnd(48, '0');
    expect(say(run(0x1a, 0, 0x2a, 0, 255))).toBe(`1b000000${page}`);
    expect(say(run(0x5a, 0, 0x2a, 0, 0, 0, 0, 1, 0))).toBe(`001e000000000000${page}`);
  });

  it('all pages, the changeable ones (none), no saved ones', () => {
    const all = say(run(0x1a, 0, 0x3f, 0, 255));
    expect(all.slice(8, 12)).toBe('010a');
    expect(all).toContain('0d060000003c004b');
    expect(all).toContain('2a16');
    expect(Number.parseInt(all.slice(0, 2), 16)).toBe(all.length / 2 - 1);
    expect(say(run(0x1a, 0, 0x3f, 0xff, 255))).toBe(all);
    expect(say(run(0x1a, 0, 0x41, 0, 255))).toBe(`0f000000010a${'00'.repeat(10)}`);
    expect(say(run(0x1a, 0, 0xc1, 0, 255))).toBe('05/39/00');
    expect(say(run(0x1a, 0, 0x1f, 0, 255))).toBe('05/24/00');
    expect(say(run(0x1a, 0, 0x01, 1, 255))).toBe('05/24/00');
    expect(say(run(0x1a, 0, 0x01, 0, 4))).toBe('0f000000');
  });

  it('features: profiles, tray, what can be read', () => {
    expect(say(run(0x46, 0, 0, 0, 0, 0, 0, 0, 8))).toBe('0000003800000008');
    const all = say(run(0x46, 0, 0, 0, 0, 0, 0, 1, 0));
    expect(all.length / 2).toBe(0x38 + 4);
    expect(all.slice(16)).toContain('000003080010000000080100');
    expect(say(run(0x46, 2, 0, 3, 0, 0, 0, 1, 0))).toBe('0000000c00000008' + '0003030429000000');
    expect(say(run(0x46, 2, 0, 0x20, 0, 0, 0, 1, 0))).toBe('0000000400000008');
    expect(say(run(0x46, 1, 0, 0x1e, 0, 0, 0, 1, 0))).toBe('0000000800000008' + '001e0100');
    expect(say(run(0x46, 3, 0, 0, 0, 0, 0, 1, 0))).toBe('05/24/00');
    run(...EJECT);
    expect(say(run(0x46, 1, 0, 0x10, 0, 0, 0, 1, 0))).toBe('0000000400000000');
  });

  it('a long medium is a DVD', () => {
    drive = new Drive(360_001, 'x');
    expect(say(run(0x46, 0, 0, 0, 0, 0, 0, 0, 8)).slice(-4)).toBe('0010');
  });
});

describe('tracks', () => {
  it.each([
    ['tracks, by block', [0x43, 0, 0, 0, 0, 0, 0, 0, 255], '001201010014010000000000' + '0014aa00000003e8'],
    ['tracks, by time', [0x43, 2, 0, 0, 0, 0, 0, 0, 255], '001201010014010000000200' + '0014aa0000000f19'],
    ['the lead-out', [0x43, 0, 0, 0, 0, 0, 0xaa, 0, 255], '000a0101' + '0014aa00000003e8'],
    ['the header alone', [0x43, 0, 0, 0, 0, 0, 0, 0, 4], '00120101'],
    ['a track that is not there', [0x43, 0, 0, 0, 0, 0, 2, 0, 255], '05/24/00'],
    ['sessions', [0x43, 0, 1, 0, 0, 0, 0, 0, 255], '000a0101' + '0014010000000000'],
    ['sessions, by time', [0x43, 2, 1, 0, 0, 0, 0, 0, 255], '000a0101' + '0014010000000200'],
    ['sessions, the old way', [0x43, 0, 0, 0, 0, 0, 0, 0, 255, 0x40], '000a0101' + '0014010000000000'],
    ['a format that there is not', [0x43, 0, 5, 0, 0, 0, 0, 0, 255], '05/24/00'],
  ])('%s', (_what, cdb, expected) => {
    expect(say(run(...cdb))).toBe(expected);
  });

  it('all of the lead-in', () => {
    const points = ['a000000000010000', 'a100000000010000', 'a200000000000f19', '0100000000000200'];
    const all = `002e0101${points.map(point => `011400${point}`).join('')}`;
    expect(say(run(0x43, 2, 2, 0, 0, 0, 0, 0, 255))).toBe(all);
    expect(say(run(0x43, 2, 2, 0, 0, 0, 2, 0, 255))).toBe('05/24/00');
  });

  it('the disc is finished', () => {
    const bytes = '00200e0101010120'.padEnd(32, '0') + 'f'.repeat(16) + '0'.repeat(20);
    expect(say(run(0x51, 0, 0, 0, 0, 0, 0, 0, 255))).toBe(bytes);
    expect(say(run(0x51, 1, 0, 0, 0, 0, 0, 0, 255))).toBe('05/24/00');
  });
});

describe('the tray', () => {
  it('goes out and in, and what wants a medium says so', () => {
    expect(say(run(...READY))).toBe('');
    expect(say(run(...EJECT))).toBe('');
    expect(say(run(...EJECT))).toBe('');
    for (const opcode of [0x00, 0x08, 0x28, 0xa8, 0x88, 0x25, 0x9e, 0x43, 0x51]) {
      expect(say(run(opcode)), opcode.toString(16)).toBe('02/3A/00');
    }
    expect(say(run(0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8))).toBe('0010000000000000');
    expect(say(run(...LOAD))).toBe('');
    expect(say(run(...READY))).toBe('06/28/00');
    expect(say(run(...READY))).toBe('');
    expect(say(run(0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8))).toBe('0000000000000000');
  });

  it('is held by a lock', () => {
    expect(say(run(...lock(1)))).toBe('');
    expect(say(run(...EJECT))).toBe('05/53/02');
    expect(say(run(0x1a, 0, 0x2a, 0, 255)).slice(20, 22)).toBe('2b');
    expect(say(run(...READY))).toBe('');
    expect(say(run(...lock(0)))).toBe('');
    expect(say(run(...EJECT))).toBe('');
    expect(say(run(...lock(3)))).toBe('05/24/00');
  });

  it('does not move for the motor or a power condition', () => {
    for (const how of [0, 1, 0x12, 0x30]) expect(say(run(0x1b, 0, 0, 0, how))).toBe('');
    expect(drive.trayOpen).toBe(false);
  });

  it('is told by events, each once', () => {
    expect(say(run(...event()))).toBe('0006041000020000');
    run(...EJECT);
    expect(say(run(...event()))).toBe('0006041003010000');
    expect(say(run(...event()))).toBe('0006041000010000');
    run(...LOAD);
    // Events are told although a unit attention waits, and leave it waiting.
    expect(say(run(...event()))).toBe('0006041002020000');
    expect(say(run(...READY))).toBe('06/28/00');
    expect(say(run(0x4a, 1, 0, 0, 0x02, 0, 0, 0, 8))).toBe('00028010');
    expect(say(run(0x4a, 0, 0, 0, 0x10, 0, 0, 0, 8))).toBe('05/24/00');
  });
});

describe('attention', () => {
  it('comes before anything but the questions that must not miss it', () => {
    drive.reset('wasReset');
    expect(say(run(0x12, 0, 0, 0, 1))).toBe('05');
    expect(say(run(0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 4))).toBe('00000008');
    expect(say(run(0x46, 0, 0, 0, 0, 0, 0, 0, 4))).toBe('00000038');
    expect(say(run(0xff))).toBe('06/29/03');
    expect(say(run(0xff))).toBe('05/20/00');
  });

  it('can be asked for', () => {
    drive.reset('poweredOn');
    expect(say(run(0x03, 0, 0, 0, 18))).toBe('700006000000000a00000000290000000000');
    expect(say(run(0x03, 0, 0, 0, 18))).toBe('700000000000000a00000000000000000000');
    expect(say(run(0x03, 0, 0, 0, 4))).toBe('70000000');
    expect(say(run(0x03, 1, 0, 0, 18))).toBe('05/24/00');
  });
});

describe('every other command', () => {
  it('is unknown', () => {
    for (let opcode = 0; opcode < 256; opcode++) {
      if (opcode in COMMANDS) continue;
      expect(say(run(opcode)), opcode.toString(16)).toBe('05/20/00');
    }
    expect(Object.keys(COMMANDS)).toHaveLength(19);
  });

  it('with any bytes gets an answer that fits', () => {
    const seed = 0xcd;
    const random = new Random(seed);
    const opcodes = Object.keys(COMMANDS).map(Number);
    for (let i = 0; i < 20_000; i++) {
      const cdb = random.bytes(16);
      if (random.below(4) > 0) cdb[0] = random.pick(opcodes);
      const answer = execute(drive, cdb);
      const where = `seed ${seed}, command ${i}: ${Buffer.from(cdb).toString('hex')}`;
      if (answer.kind === 'read') expect(answer.block + answer.count, where).toBeLessThanOrEqual(BLOCKS);
      else if (answer.kind === 'data') expect(answer.bytes.length, where).toBeLessThan(256);
      else expect([2, 5, 6], where).toContain(answer.sense.key);
    }
  });
});

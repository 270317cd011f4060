import { describe, expect, it } from 'vitest';
import { DriverError } from '../../../src/base/errors.ts';
import { answerControl, parseControlRequest } from '../../../src/devices/scsi/control.ts';
import { chainOf } from '../block/support.ts';
import { notification, task } from './support.ts';

const parse = (readable: Uint8Array, room: number) =>
  parseControlRequest(chainOf([readable.subarray(0, 3), readable.subarray(3)], [new Uint8Array(room)]));

describe('a control request', () => {
  it('manages a task', () => {
    expect(parse(task(6, { lun: 2, id: 99n }), 1)).toEqual({ kind: 'task', subtype: 6, to: 'no-unit', id: 99n });
  });

  it.each([1, 2])('asks for notifications (%s)', type => {
    expect(parse(notification(type), 5)).toEqual({ kind: 'events', to: 'drive' });
    expect(parse(notification(type, { target: 4 }), 5)).toEqual({ kind: 'events', to: 'no-target' });
  });

  it.each([
    ['of an unknown type', notification(3), 5, 'no known type'],
    ['of no type', new Uint8Array(3), 5, 'no known type'],
    ['that is cut off', task(0).subarray(0, 23), 1, 'cut off'],
    ['for notifications that is cut off', notification(1).subarray(0, 15), 5, 'cut off'],
    ['without room', task(0), 0, 'no room'],
    ['for notifications without room', notification(2), 4, 'no room'],
  ])('%s is a mistake', (_what, bytes, room, reason) => {
    expect(() => parse(bytes, room)).toThrow(DriverError);
    expect(() => parse(bytes, room)).toThrow(reason);
  });

  it('is answered by its last byte; no events are pending', () => {
    const writable = [new Uint8Array(8).fill(0xee)];
    expect(answerControl({ writable }, { kind: 'task', subtype: 0, to: 'drive', id: 0n }, 11)).toBe(1);
    expect([...writable[0]!.subarray(0, 2)]).toEqual([11, 0xee]);
    expect(answerControl({ writable }, { kind: 'events', to: 'drive' }, 3)).toBe(5);
    expect([...writable[0]!.subarray(0, 6)]).toEqual([0, 0, 0, 0, 3, 0xee]);
  });
});

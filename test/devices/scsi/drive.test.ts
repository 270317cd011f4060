import { describe, expect, it } from 'vitest';
import { Drive } from '../../../src/devices/scsi/drive.ts';
import { SENSE } from '../../../src/devices/scsi/sense.ts';

describe('a drive', () => {
  it('begins with the medium in, unlocked, and says that it was switched on', () => {
    const drive = new Drive(1, 'x');
    expect([drive.trayOpen, drive.locked]).toEqual([false, false]);
    expect([drive.takeAttention(), drive.takeAttention()]).toEqual([SENSE.poweredOn, undefined]);
  });

  it('takes the medium in again for the next driver', () => {
    const drive = new Drive(1, 'x');
    drive.eject();
    drive.setLocked(true);
    drive.takeAttention();
    drive.powerOn();
    expect(drive.save()).toEqual({ trayOpen: false, locked: false, attention: 'poweredOn', event: 0 });
  });

  it('keeps its tray where it is when a driver resets it', () => {
    const drive = new Drive(1, 'x');
    drive.eject();
    drive.setLocked(true);
    drive.reset('wasReset');
    expect(drive.save()).toEqual({ trayOpen: true, locked: false, attention: 'wasReset', event: 3 });
  });

  it('is saved and restored', () => {
    const one = new Drive(1, 'x');
    one.eject();
    one.load();
    one.setLocked(true);
    const two = new Drive(1, 'x');
    two.restore(structuredClone(one.save()));
    expect(two.save()).toEqual(one.save());
    expect(two.takeAttention()).toBe(SENSE.mediumChanged);
    const three = new Drive(1, 'x');
    three.restore(two.save());
    expect(three.takeAttention()).toBeUndefined();
  });

  it.each([
    undefined,
    null,
    7,
    {},
    { trayOpen: 1, locked: false, attention: null, event: 0 },
    { trayOpen: true, locked: false, attention: 'none', event: 0 },
    { trayOpen: true, locked: false, event: 0 },
    { trayOpen: true, locked: false, attention: null, event: 9 },
  ])('believes no other state: %j', state => {
    const drive = new Drive(1, 'x');
    const before = drive.save();
    expect(() => drive.restore(state)).toThrow('not one');
    expect(drive.save()).toEqual(before);
  });
});

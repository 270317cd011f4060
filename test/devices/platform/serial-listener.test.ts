import { describe, expect, it } from 'vitest';
import { SerialListener } from '../../../src/devices/platform/serial-listener.ts';

describe('a guest that reads from its serial port', () => {
  const port = { receiveInterruptEnabled: false, interruptGateOpen: false };
  let now = 0;
  const listener = new SerialListener(port, () => now);
  const looks = (enabled: boolean, gate: boolean, time: number) => {
    Object.assign(port, { receiveInterruptEnabled: enabled, interruptGateOpen: gate });
    now = time;
    return listener.listening;
  };

  it('has its interrupt enabled and the gate to it open', () => {
    expect([looks(false, true, 0), looks(true, true, 1), looks(false, true, 2)]).toEqual([false, true, false]);
  });

  it('does not enable it for a moment only, to see what the port can do', () => {
    expect([looks(true, false, 10), looks(true, false, 400), looks(false, false, 410)]).toEqual([false, false, false]);
    expect([looks(true, false, 600), looks(true, false, 1099)]).toEqual([false, false]);
  });

  it('may not know of the gate', () => {
    expect(looks(true, false, 1100)).toBe(true);
  });
});

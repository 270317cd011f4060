import { describe, expect, it } from 'vitest';
import type { Width } from '../../src/base/bits.ts';
import { Recorder } from '../bus/recorder.ts';
import { buildBoard, device } from './board.ts';

const SEED = 0x5eed_1e55;
const ROUNDS = 60_000;
const WIDTHS: readonly Width[] = [1, 2, 4];

/** xorshift32. */
function random(seed: number) {
  let state = seed | 0;
  return (below: number) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

describe(`PCI under random accesses, seed ${SEED}`, () => {
  it('never throws, keeps read-only bits, and keeps BARs on multiples of their size', () => {
    const { registers, bus, ports, memory } = buildBoard();
    const behind = new Recorder('window', 4);
    const access = { id: 9, name: 'access', length: 20, rows: [], window: { offset: 16, size: 4, block: behind } };
    const devices = [
      device(registers, 'a', { capabilities: [access] }),
      device(registers, 'b', {
        bars: [
          { kind: 'memory64', size: 0x8000, block: new Recorder('b0', 0x8000) },
          { kind: 'io', size: 128, block: new Recorder('b1', 128) },
        ],
      }),
    ];
    devices.forEach(({ pci }, i) => {
      bus.add(i + 1, pci);
    });
    bus.reset();
    const next = random(SEED);
    const readOnly = (slot: number) =>
      [0, 8, 0x28, 0x2c, 0x30, 0x34, 0x44, 0x48].map(at => bus.readConfig(slot, at, 4)).join();
    const before = [0, 1, 2].map(readOnly);
    const interesting = [0, 0xffff_ffff, 0xc000_0000, 0x8000_0000, 0xffff_fff0, 0x8006_0007];
    const value = () => (next(3) === 0 ? interesting[next(interesting.length)]! : next(2 ** 32));
    for (let round = 0; round < ROUNDS; round++) {
      const width = WIDTHS[next(3)]!;
      const action = next(8);
      if (action < 2) ports.write(0xcf8, 4, (0x8000_0000 | (next(4) << 11) | (next(64) << 2)) >>> 0);
      else if (action < 5) ports.write(0xcf4 + next(14), width, value());
      else if (action < 6) expect(ports.read(0xcf4 + next(14), width)).toBeLessThanOrEqual(2 ** (8 * width) - 1);
      else {
        const { pci } = devices[next(2)]!;
        const windows = pci.windows();
        const index = next(windows.length);
        const at = next(windows[index]!.size - 8);
        const base = next(2) === 0 ? windows[index]!.base : 0xc000_0000;
        if (next(2) === 0) memory.write(base + at, width, value());
        else memory.read64(base + at);
        // The same registers without the detour through a decoded window, MSI-X structures preferred.
        if (index === 0) pci.bar(0).write(0x3ff8 + next(0x1040), width, value());
        pci.signal(next(8));
        pci.setIntx(next(2) === 0);
        for (const window of pci.windows()) {
          if (window.enabled) expect(window.base % window.size).toBe(0);
        }
        for (let v = 0; v < pci.vectors; v++) expect(pci.message(v).address & 3n).toBe(0n);
      }
    }
    expect([0, 1, 2].map(readOnly)).toEqual(before);
    for (const { interrupts } of devices) {
      expect(interrupts.events).toContain('intx up');
      expect(interrupts.events.some(e => e.startsWith('send'))).toBe(true);
      const pin = interrupts.events.filter(e => e.startsWith('intx'));
      // A level only ever alternates once the first reset has lowered it.
      expect(pin.slice(1).every((event, i) => event !== pin[i])).toBe(true);
    }
  });
});

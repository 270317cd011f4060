import { describe, expect, it } from 'vitest';
import { PCI_IO_END, PCI_IO_START, PCI_MMIO_END, PCI_MMIO_START } from '../../src/memory/map.ts';
import { assignResources } from '../../src/pci/firmware.ts';
import { Recorder } from '../bus/recorder.ts';
import { buildBoard, device } from './board.ts';

const windows = {
  memory: { start: PCI_MMIO_START, end: PCI_MMIO_END },
  io: { start: PCI_IO_START, end: PCI_IO_END },
};
const GiB = 2 ** 30;

describe('assignResources', () => {
  it('places every BAR on a multiple of its size, apart from all others, and lets it answer', () => {
    const { registers, bus, memory } = buildBoard();
    const devices = Array.from({ length: 31 }, (_, i) => device(registers, `block${i}`));
    devices.forEach(({ pci }, i) => {
      bus.add(i + 1, pci);
    });
    bus.reset();
    assignResources(bus, windows);
    const bases = new Set<number>();
    devices.forEach(({ pci, block }, i) => {
      const [window] = pci.windows();
      expect(window).toMatchObject({ enabled: true, size: 0x8000 });
      expect(window!.base % 0x8000).toBe(0);
      expect(window!.base).toBeGreaterThanOrEqual(PCI_MMIO_START);
      bases.add(window!.base);
      memory.write(window!.base, 4, i);
      expect(block.accesses).toEqual([`write 0 4 ${i.toString(16)}`]);
      expect(bus.readConfig(i + 1, 4, 2)).toBe(2);
      expect(bus.readConfig(i + 1, 0x3c, 1)).toBe([5, 10, 11, 6, 7, 14, 15, 12][(i + 1) % 8]);
    });
    expect(bases.size).toBe(31);
    expect([bus.readConfig(0, 4, 2), bus.readConfig(0, 0x3c, 1)]).toEqual([0, 0]);
  });

  it('puts 64-bit BARs below 4 GiB where they fit and above where they do not, and I/O BARs into their window', () => {
    const { registers, bus } = buildBoard();
    const block = new Recorder('big', 16);
    const { pci } = device(registers, 'big', {
      bars: [
        { kind: 'memory64', size: 8 * GiB, block },
        { kind: 'memory64', size: 0x8000, block },
        { kind: 'io', size: 32, block },
        { kind: 'memory32', size: 16, block },
      ],
      msix: { vectors: 2, bar: 1, tableOffset: 0x4000, pbaOffset: 0x5000 },
    });
    bus.add(4, pci);
    bus.reset();
    assignResources(bus, { ...windows, memory64: { start: 5 * GiB, end: 64 * GiB } });
    expect(pci.windows().map(w => [w.space, w.base, w.size, w.enabled])).toEqual([
      ['memory', 8 * GiB, 8 * GiB, true],
      ['memory', PCI_MMIO_START, 0x8000, true],
      ['io', PCI_IO_START, 32, true],
      ['memory', PCI_MMIO_START + 0x8000, 16, true],
    ]);
    expect(bus.readConfig(4, 4, 2)).toBe(3);
  });

  it('says which device found no room', () => {
    const { registers, bus } = buildBoard();
    bus.add(1, device(registers, 'block0').pci);
    bus.reset();
    expect(() => assignResources(bus, { ...windows, memory: { start: 0xc000_0000, end: 0xc000_4000 } })).toThrow(
      'no room for 32768 bytes of block0',
    );
  });
});

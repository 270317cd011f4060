import { describe, expect, it } from 'vitest';
import type { Bus } from '../../src/bus/bus.ts';
import { Recorder } from '../bus/recorder.ts';
import { buildBoard, device } from './board.ts';

/** Configuration accesses through the ports, as a kernel makes them. */
function driver(ports: Bus) {
  const select = (slot: number, at: number) => ports.write(0xcf8, 4, (0x8000_0000 | (slot << 11) | (at & 0xfc)) >>> 0);
  return {
    read(slot: number, at: number, width: 1 | 2 | 4 = 4) {
      select(slot, at);
      return ports.read(0xcfc + (at & 3), width);
    },
    write(slot: number, at: number, value: number, width: 1 | 2 | 4 = 4) {
      select(slot, at);
      ports.write(0xcfc + (at & 3), width, value);
    },
  };
}

function machine() {
  const moved: number[] = [];
  const board = buildBoard(undefined, moved);
  const block0 = device(board.registers, 'block0');
  const net0 = device(board.registers, 'net0');
  board.bus.add(1, block0.pci);
  board.bus.add(2, net0.pci);
  board.bus.reset();
  moved.length = 0;
  return { ...board, ...driver(board.ports), block0, net0, moved };
}

describe('PciBus', () => {
  it('sizes and moves a BAR in the order in which Linux does', () => {
    const { read, write, memory, block0, moved, bus } = machine();
    // __pci_read_base: decoding off, ones, read back, old value back.
    const command = read(1, 4, 2);
    write(1, 4, command & ~3, 2);
    const old = read(1, 0x10);
    write(1, 0x10, 0xffff_ffff);
    const ones = read(1, 0x10);
    write(1, 0x10, old);
    expect(ones).toBe(0xffff_8000);
    expect((~(ones & ~0xf) >>> 0) + 1).toBe(0x8000);
    expect(moved).toEqual([]);
    write(1, 0x10, 0xc001_0000);
    write(1, 4, 2, 2);
    const epoch = bus.epoch;
    memory.write(0xc001_0010, 4, 0x55);
    expect(block0.block.accesses).toEqual(['write 16 4 55']);
    write(1, 0x10, 0xd000_0000);
    expect(bus.epoch).not.toBe(epoch);
    expect(memory.read(0xc001_0010, 4)).toBe(0xffff_ffff);
    expect(memory.read(0xd000_0010, 4)).toBe(0x55);
    expect(memory.read(0xd000_8000, 1)).toBe(0xff);
    write(1, 4, 0, 2);
    expect(memory.read(0xd000_0010, 4)).toBe(0xffff_ffff);
    expect(moved).toEqual([1, 1, 1]);
  });

  it('does not count accesses that move nothing', () => {
    const { write, bus, moved } = machine();
    const epoch = bus.epoch;
    write(1, 0x10, 0xc001_0000);
    write(1, 4, 0x404, 2);
    write(1, 0x3c, 11, 1);
    write(1, 0x40, 0xffff_ffff);
    expect([bus.epoch, moved]).toEqual([epoch, []]);
  });

  it('answers for two functions, the lower slot where windows overlap', () => {
    const { write, memory, block0, net0 } = machine();
    for (const slot of [1, 2]) {
      write(slot, 0x10, 0xc000_0000);
      write(slot, 4, 2, 2);
    }
    memory.write(0xc000_0000, 1, 1);
    write(2, 0x10, 0xc000_8000);
    memory.write(0xc000_8000, 1, 2);
    expect([block0.block.accesses, net0.block.accesses]).toEqual([['write 0 1 1'], ['write 0 1 2']]);
  });

  it('carries 64-bit and I/O BARs', () => {
    const { bus, registers, read, write, memory, ports } = machine();
    const wide = new Recorder('wide', 0x1000);
    const io = new Recorder('io', 64);
    const { pci } = device(registers, 'legacy', {
      bars: [
        { kind: 'memory64', size: 0x1000, block: wide },
        { kind: 'io', size: 64, block: io },
      ],
      msix: { vectors: 1, bar: 0, tableOffset: 0, pbaOffset: 0x800 },
    });
    bus.add(31, pci);
    pci.reset();
    expect([pci.barRegister(0), pci.barRegister(1)]).toEqual([0, 2]);
    for (const at of [0x10, 0x14, 0x18, 0x1c]) write(31, at, 0xffff_ffff);
    expect([0x10, 0x14, 0x18, 0x1c].map(at => read(31, at))).toEqual([0xffff_f004, 0xffff_ffff, 0xffff_ffc1, 0]);
    write(31, 4, 3, 2);
    expect(pci.windows()[0]?.enabled).toBe(false);
    write(31, 0x10, 0x1000);
    write(31, 0x14, 0x12);
    write(31, 0x18, 0xc041);
    memory.write(0x12_0000_1900, 4, 7);
    memory.write(0x12_0000_1808, 4, 7);
    ports.write(0xc07f, 1, 9);
    expect([wide.accesses, io.accesses]).toEqual([['write 2304 4 7', 'write 2056 4 7'], ['write 63 1 9']]);
    // Address 0 is nowhere.
    write(31, 0x18, 1);
    expect(ports.read(0x10, 1)).toBe(0xff);
  });

  it('lets another thread see a window that moved', () => {
    const one = machine();
    const other = buildBoard(one.registers.buffer);
    const block0 = device(other.registers, 'block0');
    other.bus.add(1, block0.pci);
    other.bus.add(2, device(other.registers, 'net0').pci);
    expect(other.memory.read(0xc000_0000, 4)).toBe(0xffff_ffff);
    one.write(1, 0x10, 0xc000_0000);
    one.write(1, 4, 2, 2);
    expect(other.memory.read(0xc000_0000, 4)).toBe(0);
    expect(block0.block.accesses).toEqual(['read 0 4']);
    one.bus.reset();
    expect(other.memory.read(0xc000_0000, 4)).toBe(0xffff_ffff);
  });

  it('refuses slots that are taken or do not exist', () => {
    const { bus, block0 } = machine();
    expect(() => bus.add(1, block0.pci)).toThrow('PCI slot 1 of block0 is taken by block0');
    expect(() => bus.add(32, block0.pci)).toThrow('no PCI slot 32');
    expect([...bus.functions.keys()]).toEqual([0, 1, 2]);
  });
});

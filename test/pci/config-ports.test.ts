import { describe, expect, it } from 'vitest';
import { Bus } from '../../src/bus/bus.ts';
import { ConfigPorts } from '../../src/pci/config-ports.ts';
import { Recorder } from '../bus/recorder.ts';
import { buildBoard, device } from './board.ts';

function machine() {
  const { registers, bus } = buildBoard();
  const { pci } = device(registers, 'block0');
  bus.add(3, pci);
  bus.reset();
  const reset = new Recorder('reset', 1);
  const ports = new Bus('io');
  const block = new ConfigPorts(bus, reset);
  ports.claim(0xcf8, 8, block);
  return { ports, pci, reset, block, bus };
}
const SLOT3 = 0x8000_1800;

describe('ConfigPorts', () => {
  it('passes the probes of Linux and FreeBSD for mechanism 1', () => {
    const { ports } = machine();
    ports.write(0xcfb, 1, 1);
    const saved = ports.read(0xcf8, 4);
    ports.write(0xcf8, 4, 0x8000_0000);
    ports.write(0xcfb, 1, 0);
    expect(ports.read(0xcf8, 4)).toBe(0x8000_0000);
    expect(ports.read(0xcfc, 4)).toBe(0x0d57_8086);
    ports.write(0xcf8, 4, 0x8000_0008);
    expect(ports.read(0xcfe, 2)).toBe(0x0600);
    ports.write(0xcf8, 4, saved);
    expect(ports.read(0xcf8, 4)).toBe(saved);
  });

  it('is not mistaken for mechanism 2', () => {
    const { ports } = machine();
    ports.write(0xcfb, 1, 0);
    ports.write(0xcf8, 1, 0);
    ports.write(0xcfa, 1, 0);
    expect([ports.read(0xcf8, 1), ports.read(0xcfa, 1), ports.read(0xcf8, 2)]).toEqual([0xff, 0xff, 0xffff]);
  });

  it('keeps reserved address bits zero', () => {
    const { ports } = machine();
    ports.write(0xcf8, 4, 0xffff_ffff);
    expect(ports.read(0xcf8, 4)).toBe(0x80ff_fffc);
  });

  it('reads pieces of every width at every offset alike', () => {
    const { ports, pci } = machine();
    const bytes = Array.from({ length: 256 }, (_, i) => pci.config.read(i, 1));
    for (let at = 0; at < 256; at++) {
      ports.write(0xcf8, 4, SLOT3 + (at & 0xfc));
      const byte = at & 3;
      expect(ports.read(0xcfc + byte, 1)).toBe(bytes[at]);
      if (byte <= 2) expect(ports.read(0xcfc + byte, 2)).toBe(bytes[at]! + bytes[at + 1]! * 256);
      else expect(ports.read(0xcff, 2)).toBe(bytes[at]! + 0xff00);
    }
  });

  it('writes pieces at odd offsets', () => {
    const { ports, pci } = machine();
    ports.write(0xcf8, 4, SLOT3 + 0x10);
    ports.write(0xcfe, 1, 0x01);
    ports.write(0xcff, 1, 0xd0);
    expect(pci.config.read(0x10, 4)).toBe(0xd001_0000);
    ports.write(0xcfd, 2, 0xf2c3);
    expect(pci.config.read(0x10, 4)).toBe(0xd0f2_8000);
    ports.write(0xcfe, 4, 0xffff_1234);
    expect(pci.config.read(0x10, 4)).toBe(0x1234_8000);
  });

  it.each([
    ['disabled', 0x0000_1800],
    ['another bus', 0x8001_1800],
    ['another function', 0x8000_1900],
    ['an empty slot', 0x8000_2000],
  ])('reads all ones and swallows writes: %s', (_, address) => {
    const { ports, pci } = machine();
    ports.write(0xcf8, 4, address + 0x3c);
    ports.write(0xcfc, 1, 0x77);
    expect([ports.read(0xcfc, 4), ports.read(0xcfd, 2), ports.read(0xcff, 1)]).toEqual([0xffff_ffff, 0xffff, 0xff]);
    expect(pci.config.read(0x3c, 1)).toBe(0);
  });

  it('hands single bytes at 0xCF9 to the reset control register', () => {
    const { ports, reset, bus } = machine();
    ports.write(0xcf8, 4, SLOT3);
    ports.write(0xcf9, 1, 0x06);
    ports.read(0xcf9, 1);
    expect(reset.accesses).toEqual(['write 0 1 6', 'read 0 1']);
    expect(bus.address).toBe(SLOT3);
    const alone = new ConfigPorts(bus);
    alone.write(1, 1, 6);
    expect(alone.read(1, 1)).toBe(0xff);
  });

  it('names what the data port stands for', () => {
    const { block, bus } = machine();
    expect([block.registerName(0), block.registerName(1), block.registerName(4)]).toEqual(['address', 'first', 'data']);
    bus.address = SLOT3 + 0x10;
    expect([block.registerName(4), block.registerName(6)]).toEqual(['block0.BAR0', 'block0.BAR0[2]']);
    bus.address = SLOT3 + 0x80;
    expect(block.registerName(5)).toBe('block0.config+129');
    bus.address = 0x8000_f800;
    expect(block.registerName(4)).toBe('slot31(empty)');
  });
});

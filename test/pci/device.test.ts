import { describe, expect, it } from 'vitest';
import { PciDevice } from '../../src/pci/device.ts';
import { RegisterFile } from '../../src/state/register-file.ts';
import { Recorder } from '../bus/recorder.ts';
import { device } from './board.ts';

const registers = () => RegisterFile.create(64 * 1024);

describe('PciDevice', () => {
  it('says who it is', () => {
    const { pci } = device(registers(), 'block0');
    pci.reset();
    expect(pci.config.read(0, 4)).toBe(0x1042_1af4);
    expect(pci.config.read(8, 4)).toBe(0x0100_0001);
    expect(pci.config.read(0x2c, 4)).toBe(0x0040_0000);
    expect(pci.config.read(0x0e, 1)).toBe(0);
    expect(pci.config.read(0x3d, 1)).toBe(1);
    expect(pci.config.read(6, 2)).toBe(0x10);
  });

  it('has no interrupt pin and no capability list where it has neither', () => {
    const pci = new PciDevice({
      name: 'plain',
      registers: registers(),
      identity: { vendorId: 1, deviceId: 2, classCode: 0 },
    });
    pci.reset();
    expect([pci.config.read(0x3d, 1), pci.config.read(6, 2), pci.config.read(0x34, 1)]).toEqual([0, 0, 0]);
    expect([pci.signal(0), pci.vectors, pci.msixEnabled]).toEqual([false, 0, false]);
    expect(() => pci.message(0)).toThrow('plain has no MSI-X');
    expect(() => pci.bar(0)).toThrow(RangeError);
    expect(() => pci.barRegister(0)).toThrow(RangeError);
    pci.setIntx(true);
    expect(pci.config.read(6, 2)).toBe(0x08);
  });

  it('chains its capabilities, and windows in them reach their block', () => {
    const behind = new Recorder('window', 4);
    const first = {
      id: 9,
      name: 'common',
      length: 16,
      rows: [{ name: 'type', offset: 3, width: 1, reset: 1 }],
    } as const;
    const second = {
      id: 9,
      name: 'access',
      length: 20,
      rows: [
        { name: 'bar', offset: 4, width: 1, writable: 0xff },
        { name: 'offset', offset: 8, width: 4, writable: 0xffff_ffff },
      ],
      window: { offset: 16, size: 4, block: behind },
    } as const;
    const { pci } = device(registers(), 'block0', { capabilities: [first, second] });
    pci.reset();
    const ids: number[] = [];
    for (let at = pci.config.read(0x34, 1); at !== 0; at = pci.config.read(at + 1, 1)) {
      expect(at % 4).toBe(0);
      ids.push(pci.config.read(at, 1));
    }
    expect(ids).toEqual([0x11, 9, 9]);
    const at = pci.capabilityOffset(second);
    expect(pci.config.read(pci.capabilityOffset(first) + 3, 1)).toBe(1);
    pci.config.write(at + 8, 4, 0x1234);
    pci.config.write(at + 16, 2, 0xbeef);
    expect(pci.config.read(at + 17, 1)).toBe(0xbe);
    expect(behind.accesses).toEqual(['write 0 2 beef', 'read 1 1']);
    expect(pci.config.read(at + 14, 4)).toBe(0);
    expect(pci.config.registerName?.(at + 9)).toBe('access.offset[1]');
    expect(() => pci.capabilityOffset({ ...first })).toThrow(RangeError);
  });

  it('drives the pin by condition, disable bit and MSI-X, and keeps the condition in the status register', () => {
    const { pci, interrupts } = device(registers(), 'net0');
    pci.reset();
    interrupts.take();
    pci.setIntx(true);
    pci.setIntx(true);
    expect(interrupts.take()).toEqual(['intx up']);
    expect(pci.config.read(6, 2) & 8).toBe(8);
    pci.config.write(4, 2, 0x0406);
    expect(interrupts.take()).toEqual(['intx down']);
    expect(pci.config.read(6, 2) & 8).toBe(8);
    pci.config.write(4, 2, 0x0006);
    pci.config.write(0x43, 1, 0x80);
    expect(interrupts.take()).toEqual(['intx up', 'intx down', 'changed all']);
    expect(pci.msixEnabled).toBe(true);
    pci.config.write(0x43, 1, 0);
    pci.setIntx(false);
    expect(interrupts.take()).toEqual(['intx up', 'changed all', 'intx down']);
    expect(pci.busMaster).toBe(true);
  });

  it('is the same device on every thread, and building it again changes nothing', () => {
    const file = registers();
    const one = device(file, 'block0').pci;
    one.reset();
    one.config.write(0x10, 4, 0xc000_0000);
    const other = device(new RegisterFile(file.buffer), 'block0').pci;
    expect(other.config.read(0x10, 4)).toBe(0xc000_0000);
    other.config.write(4, 2, 2);
    expect(one.windows()).toEqual([{ space: 'memory', base: 0xc000_0000, size: 0x8000, enabled: true }]);
  });

  it('comes back from reset as it was at first', () => {
    const { pci, interrupts } = device(registers(), 'block0');
    pci.reset();
    const first = Array.from({ length: 64 }, (_, i) => pci.config.read(4 * i, 4));
    for (let i = 0; i < 64; i++) pci.config.write(4 * i, 4, 0xffff_ffff);
    pci.bar(0).write(0x400c, 4, 0);
    pci.reset();
    expect(Array.from({ length: 64 }, (_, i) => pci.config.read(4 * i, 4))).toEqual(first);
    expect(pci.bar(0).read(0x400c, 4)).toBe(1);
    expect(interrupts.events.at(-2)).toBe('intx down');
  });

  it('refuses tables that contradict themselves', () => {
    const make = (extra: object) => () => device(registers(), 'x', extra);
    const block = new Recorder('x', 16);
    expect(make({ bars: [{ kind: 'memory32', size: 24, block }] })).toThrow('24 bytes is no size');
    expect(make({ bars: [{ kind: 'memory32', size: 0x4000, block }] })).toThrow('does not fit its BAR');
    expect(make({ bars: [{ kind: 'io', size: 64, block }] })).toThrow('needs a memory BAR');
    expect(make({ bars: Array(4).fill({ kind: 'memory64', size: 0x8000, block }) })).toThrow('six BAR registers');
    expect(make({ msix: { vectors: 300, bar: 0, tableOffset: 0x4000, pbaOffset: 0x5000 } })).toThrow('overlap');
    expect(make({ msix: { vectors: 4000, bar: 0, tableOffset: 0, pbaOffset: 0 } })).toThrow(RangeError);
    expect(make({ capabilities: [{ id: 9, name: 'big', length: 250, rows: [] }] })).toThrow('capabilities need');
    const row = { name: 'id', offset: 1, width: 1 };
    expect(make({ capabilities: [{ id: 9, name: 'odd', length: 8, rows: [row] }] })).toThrow('outside capability odd');
  });
});

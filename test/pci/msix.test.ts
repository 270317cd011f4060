import { beforeEach, describe, expect, it } from 'vitest';
import { RegisterFile } from '../../src/state/register-file.ts';
import { device, type InterruptLog, MSIX } from './board.ts';

const CONTROL = 0x42;
const ENABLE = 0x8000;
const FUNCTION_MASK = 0x4000;
const TABLE = MSIX.tableOffset;
const PBA = MSIX.pbaOffset;

describe('MSI-X', () => {
  let pci: ReturnType<typeof device>['pci'];
  let interrupts: InterruptLog;
  let control: (value: number) => void;
  const write = (offset: number, value: number) => pci.bar(0).write(TABLE + offset, 4, value);

  beforeEach(() => {
    ({ pci, interrupts } = device(RegisterFile.create(64 * 1024), 'net0'));
    pci.reset();
    control = value => pci.config.write(CONTROL, 2, value);
    interrupts.take();
  });

  it('describes itself in its capability', () => {
    expect(pci.config.read(0x34, 1)).toBe(0x40);
    expect(pci.config.read(0x40, 1)).toBe(0x11);
    expect(pci.config.read(CONTROL, 2)).toBe(MSIX.vectors - 1);
    expect([pci.config.read(0x44, 4), pci.config.read(0x48, 4)]).toEqual([TABLE, PBA]);
    control(0xffff);
    expect(pci.config.read(CONTROL, 2)).toBe(ENABLE | FUNCTION_MASK | (MSIX.vectors - 1));
  });

  it('masks every vector after reset and does nothing while off', () => {
    for (let v = 0; v < MSIX.vectors; v++) expect(pci.bar(0).read(TABLE + 16 * v + 12, 4)).toBe(1);
    expect(pci.signal(0)).toBe(false);
    expect(pci.bar(0).read(PBA, 4)).toBe(0);
  });

  it('goes through what Linux does: mask all, program, unmask all, unmask one', () => {
    control(ENABLE | FUNCTION_MASK);
    expect(interrupts.take()).toEqual(['changed all']);
    write(16, 0xfee0_1004);
    write(20, 0x1);
    write(24, 0x4041);
    control(ENABLE);
    expect(interrupts.take()).toEqual(['changed all']);
    expect(pci.message(1)).toEqual({ address: 0x1_fee0_1004n, data: 0x4041, masked: true });
    write(28, 0);
    expect(interrupts.take()).toEqual(['changed 1']);
    expect(pci.message(1).masked).toBe(false);
    expect(pci.signal(1)).toBe(true);
    expect(interrupts.take()).toEqual(['send 1']);
  });

  it('keeps what happens while masked and delivers it once, after the route is known', () => {
    control(ENABLE);
    interrupts.take();
    expect([pci.signal(2), pci.signal(2), pci.signal(4)]).toEqual([true, true, true]);
    expect(interrupts.take()).toEqual([]);
    expect(pci.bar(0).read(PBA, 4)).toBe(0b10100);
    write(2 * 16 + 12, 0);
    expect(interrupts.take()).toEqual(['changed 2', 'send 2']);
    expect(pci.bar(0).read(PBA, 1)).toBe(0b10000);
    write(2 * 16 + 12, 1);
    write(2 * 16 + 12, 0);
    expect(interrupts.take()).toEqual(['changed 2', 'changed 2']);
  });

  it('holds everything back under the function mask', () => {
    for (let v = 0; v < MSIX.vectors; v++) write(16 * v + 12, 0);
    control(ENABLE | FUNCTION_MASK);
    interrupts.take();
    pci.signal(0);
    pci.signal(3);
    expect(pci.bar(0).read(PBA, 4)).toBe(0b1001);
    control(ENABLE);
    expect(interrupts.take()).toEqual(['changed all', 'send 0', 'send 3']);
    control(ENABLE | FUNCTION_MASK);
    pci.signal(1);
    control(0);
    control(ENABLE);
    expect(interrupts.take()).toEqual(['changed all', 'changed all', 'changed all']);
  });

  it('tells about changes of an unmasked entry only', () => {
    control(ENABLE);
    write(12, 0);
    interrupts.take();
    write(8, 0x55);
    write(8, 0x55);
    write(16 + 8, 0x66);
    expect(interrupts.take()).toEqual(['changed 0']);
  });

  it('keeps reserved bits zero and the pending bits read-only', () => {
    write(0, 0xffff_ffff);
    write(12, 0xffff_ffff);
    pci.bar(0).write(PBA, 4, 0xffff_ffff);
    expect([0, 12].map(o => pci.bar(0).read(TABLE + o, 4))).toEqual([0xffff_fffc, 1]);
    expect(pci.bar(0).read(PBA, 4)).toBe(0);
  });

  it('takes narrow and unaligned accesses, and hands the rest to the device', () => {
    const bar = pci.bar(0);
    bar.write(TABLE + 8, 1, 0x11);
    bar.write(TABLE + 9, 2, 0x3322);
    expect(bar.read(TABLE + 8, 4)).toBe(0x0033_2211);
    bar.write(TABLE + 10, 4, 0xffff_4433);
    expect(bar.read(TABLE + 8, 4)).toBe(0x4433_2211);
    expect(bar.read(TABLE + 12, 4)).toBe(1);
    bar.write(TABLE - 2, 4, 0xabcd_1234);
    expect([bar.read(TABLE - 2, 4), bar.read(TABLE, 2)]).toEqual([0xabcc_1234, 0xabcc]);
    expect(bar.registerName?.(TABLE + 24)).toBe('MSI-X.vector1.data');
    expect([bar.registerName?.(PBA), bar.registerName?.(0)]).toEqual(['MSI-X.pending', 'first']);
  });

  it('knows no vector beyond its table', () => {
    control(ENABLE);
    expect(pci.signal(MSIX.vectors)).toBe(false);
    expect(pci.signal(0xffff)).toBe(false);
    expect(() => pci.message(MSIX.vectors)).toThrow(RangeError);
  });
});

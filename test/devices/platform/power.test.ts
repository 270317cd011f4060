import { describe, expect, it } from 'vitest';
import { pc } from './support.ts';

const PM = 0x600;

describe('PowerManagement', () => {
  it('switches off as Linux does: sleep type first, then with the enable bit', () => {
    const { ports, power } = pc();
    const control = ports.read(PM + 4, 2);
    expect(control).toBe(0x0001);
    ports.write(PM + 4, 2, control | (5 << 10));
    expect(power.events).toEqual([]);
    ports.write(PM + 4, 2, control | (5 << 10) | 0x2000);
    expect(power.events).toEqual(['off']);
    expect(ports.read(PM + 4, 2)).toBe(0x1401);
  });

  it('switches off by a single byte too, and for sleep type 5 only', () => {
    const { ports, power } = pc();
    ports.write(PM + 5, 1, 0x20);
    ports.write(PM + 4, 2, 0x2001);
    ports.write(PM + 4, 1, 0xff);
    expect(power.events).toEqual([]);
    ports.write(PM + 5, 1, 0x34);
    expect(power.events).toEqual(['off']);
  });

  it('cannot be taken out of ACPI mode', () => {
    const { ports } = pc();
    ports.write(PM + 4, 2, 0);
    expect(ports.read(PM + 4, 2)).toBe(1);
  });

  it('tells of the power button until the guest has acknowledged it', () => {
    const { ports, pm, sci } = pc();
    expect(pm.pressPowerButton()).toBe(false);
    expect([sci.take(), ports.read(PM, 2)]).toEqual([[], 0x100]);
    ports.write(PM, 2, 0x100);
    ports.write(PM + 2, 2, 0x120);
    expect(sci.take()).toEqual([]);
    expect(pm.pressPowerButton()).toBe(true);
    expect(sci.take()).toEqual([true]);
    ports.write(PM, 2, 0x8001);
    expect([sci.take(), ports.read(PM, 4)]).toEqual([[], 0x0120_0100]);
    ports.write(PM, 2, 0x100);
    expect([sci.take(), ports.read(PM, 2)]).toEqual([[false], 0]);
  });

  it('raises the line when an event is enabled late, and lowers it at reset', () => {
    const { ports, pm, reset, sci } = pc();
    pm.pressPowerButton();
    ports.write(PM, 4, 0x0100_0000);
    expect(sci.take()).toEqual([true]);
    reset();
    expect([sci.take(), ports.read(PM, 4)]).toEqual([[false], 0]);
  });

  it('names its registers', () => {
    const { pm } = pc();
    expect([0, 2, 5, 7].map(at => pm.registerName(at))).toEqual(['PM1_STS', 'PM1_EN', 'PM1_CNT[1]', undefined]);
  });
});

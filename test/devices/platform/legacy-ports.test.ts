import { describe, expect, it } from 'vitest';
import { describeRegister } from '../../../src/bus/register-block.ts';
import { pc } from './support.ts';

describe('legacy ports', () => {
  it('keep the last debug code', () => {
    const { ports, reset } = pc();
    ports.write(0x80, 1, 0x42);
    expect(ports.read(0x80, 1)).toBe(0x42);
    expect(describeRegister(ports.resolve(0x80)!.block, 0)).toBe('debug-port.code');
    reset();
    expect(ports.read(0x80, 1)).toBe(0);
  });

  it('know address line 20 and the fast reset', () => {
    const { ports, power } = pc();
    ports.write(0x92, 1, 0x02);
    expect([ports.read(0x92, 1), power.events]).toEqual([0x02, []]);
    ports.write(0x92, 1, 0x03);
    expect(power.events).toEqual(['reset']);
  });

  it('read all ones for hardware that is not there, and a trace can name it', () => {
    const { ports } = pc();
    ports.write(0x1f7, 1, 0xec);
    expect([ports.read(0x1f7, 1), ports.read(0x2f8, 4), ports.read(0x3c4, 2)]).toEqual([0xff, 0xffff_ffff, 0xffff]);
    expect([0x1f7, 0x2f8, 0x3d4, 0x87].map(port => ports.resolve(port)?.block.name)).toEqual([
      'absent-ide1',
      'absent-serial2',
      'absent-vga',
      'absent-dma-page',
    ]);
  });
});

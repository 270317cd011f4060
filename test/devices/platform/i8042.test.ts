import { describe, expect, it } from 'vitest';
import { pc } from './support.ts';

function keyboard() {
  const machine = pc();
  const { ports } = machine;
  const status = () => ports.read(0x64, 1);
  return {
    ...machine,
    status,
    command: (value: number) => ports.write(0x64, 1, value),
    write: (value: number) => ports.write(0x60, 1, value),
    /** As Linux's i8042_command: waits for the answer's status bit. */
    answer: () => (status() & 1 ? ports.read(0x60, 1) : undefined),
  };
}

describe('I8042', () => {
  it('has nothing to say at first, and is always ready for input', () => {
    const { status } = keyboard();
    expect(status()).toBe(0x04);
  });

  it.each([0xfe, 0xf0, 0xfc])('resets the machine when the reset line is pulsed (%i)', command => {
    const { command: send, power } = keyboard();
    send(command);
    expect(power.events).toEqual(['reset']);
  });

  it('resets through the output port, and for nothing else', () => {
    const { command, write, power } = keyboard();
    for (const pulse of [0xff, 0xf1, 0xad, 0xae, 0x60]) command(pulse);
    write(0xfe);
    command(0xd1);
    write(0xdf);
    expect(power.events).toEqual([]);
    command(0xd1);
    write(0xfe);
    expect(power.events).toEqual(['reset']);
  });

  it('answers what a kernel asks of a controller', () => {
    const { command, write, answer, status } = keyboard();
    command(0x20);
    expect(answer()).toBe(0x34);
    command(0x60);
    write(0x74);
    command(0x20);
    expect(answer()).toBe(0x74);
    command(0xaa);
    expect(answer()).toBe(0x55);
    command(0xd0);
    expect(answer()).toBe(0x03);
    expect(status() & 1).toBe(0);
  });

  it('has neither keyboard nor mouse', () => {
    const { command, write, answer } = keyboard();
    // i8042_check_aux: the loop test must fail, and the interface test too.
    command(0xd3);
    write(0x5a);
    expect(answer()).toBe(0);
    command(0xa9);
    expect(answer()).toBe(1);
    command(0xab);
    expect(answer()).toBe(1);
    write(0xf2);
    expect(answer()).toBeUndefined();
    command(0xd2);
    write(0x1c);
    expect(answer()).toBe(0x1c);
  });

  it('names its registers', () => {
    const { ports } = keyboard();
    expect(ports.resolve(0x60)?.block.registerName?.(0)).toBe('data');
    expect(ports.resolve(0x64)?.block.registerName?.(0)).toBe('status/command');
  });
});

import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { Serial } from '../../../src/devices/platform/serial.ts';
import { RegisterFile } from '../../../src/state/register-file.ts';
import { pc } from './support.ts';

function uart() {
  const machine = pc();
  const { ports } = machine;
  return {
    ...machine,
    inb: (offset: number) => ports.read(0x3f8 + offset, 1),
    outb: (offset: number, value: number) => ports.write(0x3f8 + offset, 1, value),
    type(text: string) {
      machine.serial.received.pushSome(Buffer.from(text));
      machine.serial.notifyReceived();
    },
    sentText: () => Buffer.from(machine.serial.transmitted.drain()).toString(),
  };
}
const [RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR] = [0, 1, 2, 3, 4, 5, 6, 7] as const;

describe('Serial', () => {
  it('sends what is polled out of it and rings when there is something again', () => {
    const { inb, outb, sentText, sent, line } = uart();
    for (const c of 'hello\n') {
      expect(inb(LSR) & 0x60).toBe(0x60);
      outb(RBR, c.charCodeAt(0));
    }
    expect([sentText(), sent.rings]).toEqual(['hello\n', 1]);
    outb(RBR, 33);
    expect([sentText(), sent.rings]).toEqual(['!', 2]);
    expect(line.take()).toEqual([]);
  });

  it('is taken for a 16550A by a probe like Linux autoconfig()', () => {
    const { inb, outb } = uart();
    outb(IER, 0);
    const none = inb(IER) & 0x0f;
    outb(IER, 0x0f);
    expect([none, inb(IER)]).toEqual([0, 0x0f]);
    outb(IER, 0);
    // Loopback: RTS and OUT2 come back as CTS and DCD.
    outb(MCR, 0x1a);
    expect(inb(MSR) & 0xf0).toBe(0x90);
    outb(MCR, 0x15);
    expect(inb(MSR) & 0xf0).toBe(0x60);
    outb(MCR, 0);
    expect(inb(MSR)).toBe(0xb0);
    // No extended registers behind LCR 0xBF, and a FIFO that works, of no later kind.
    outb(LCR, 0xbf);
    expect(inb(IIR)).not.toBe(0);
    outb(LCR, 0);
    outb(IIR, 0x01);
    expect(inb(IIR) >> 6).toBe(3);
    outb(IIR, 0x21);
    expect(inb(IIR) & 0x20).toBe(0);
    outb(IIR, 0);
    expect(inb(IIR)).toBe(0x01);
    outb(IER, 0x40);
    expect(inb(IER)).toBe(0);
    outb(SCR, 0xa5);
    expect(inb(SCR)).toBe(0xa5);
  });

  it('keeps the divisor behind DLAB, and 9600 baud at first', () => {
    const { inb, outb, sentText, serial } = uart();
    outb(LCR, 0x83);
    expect([inb(0), inb(1)]).toEqual([12, 0]);
    outb(0, 1);
    outb(1, 2);
    expect([inb(0), inb(1), serial.registerName(0), serial.registerName(1)]).toEqual([1, 2, 'DLL', 'DLM']);
    outb(LCR, 0x03);
    expect([inb(IER), inb(LCR), sentText(), serial.registerName(0)]).toEqual([0, 3, '', 'RBR/THR']);
  });

  it('passes the THRE test of Linux serial8250_do_startup()', () => {
    const { inb, outb } = uart();
    outb(IER, 0x02);
    const first = inb(IIR);
    outb(IER, 0);
    outb(IER, 0x02);
    const second = inb(IIR);
    outb(IER, 0);
    expect([first, second]).toEqual([0x02, 0x02]);
    expect(inb(IIR)).toBe(0x01);
  });

  it('gives one edge for every transmit interrupt, and none is lost', () => {
    const { inb, outb, line, sentText } = uart();
    outb(IER, 0x02);
    expect(line.take()).toEqual([true]);
    let text = 'twenty bytes of text';
    let interrupts = 0;
    while (text.length > 0 && interrupts++ < 10) {
      expect(inb(IIR)).toBe(0x02);
      expect(line.take()).toEqual([false]);
      for (const c of text.slice(0, 8)) outb(RBR, c.charCodeAt(0));
      text = text.slice(8);
      expect(line.take()).toEqual([true]);
    }
    outb(IER, 0);
    expect([interrupts, line.take(), sentText()]).toEqual([3, [false], 'twenty bytes of text']);
  });

  it('interrupts for received bytes until the last is read, then asks for more', () => {
    const { inb, outb, type, line, drained, serial } = uart();
    expect(serial.receiveInterruptEnabled).toBe(false);
    type('ab');
    expect([line.take(), inb(LSR) & 1]).toEqual([[], 1]);
    outb(IER, 0x01);
    expect([line.take(), serial.receiveInterruptEnabled]).toEqual([[true], true]);
    expect(inb(IIR)).toBe(0x04);
    expect([inb(RBR), drained.rings]).toEqual([0x61, 0]);
    expect([inb(RBR), drained.rings]).toEqual([0x62, 1]);
    expect([line.take(), inb(IIR), inb(LSR) & 1]).toEqual([[false], 0x01, 0]);
    expect([inb(RBR), drained.rings]).toEqual([0, 1]);
  });

  it('reports a timeout below the trigger level of the FIFO', () => {
    const { inb, outb, type } = uart();
    outb(IIR, 0x81);
    outb(IER, 0x01);
    type('1234567');
    expect(inb(IIR)).toBe(0xcc);
    type('8');
    expect(inb(IIR)).toBe(0xc4);
  });

  it('puts received bytes before the empty transmitter, and keeps the latter due', () => {
    const { inb, outb, type, line } = uart();
    outb(IER, 0x03);
    type('x');
    expect(inb(IIR)).toBe(0x04);
    expect(inb(RBR)).toBe(0x78);
    expect(line.take()).toEqual([true]);
    expect(inb(IIR)).toBe(0x02);
    expect(line.take()).toEqual([false]);
  });

  it('loses nothing queued when the FIFO is reset', () => {
    const { inb, outb, type } = uart();
    type('keep');
    outb(IIR, 0x07);
    expect(String.fromCharCode(inb(RBR), inb(RBR), inb(RBR), inb(RBR))).toBe('keep');
  });

  it('loops back, with an overrun once the queue is full', () => {
    const { inb, outb, sentText, line } = uart();
    outb(MCR, 0x10);
    for (let i = 0; i < 4097; i++) outb(RBR, i & 0xff);
    outb(IER, 0x04);
    expect([line.take(), inb(IIR)]).toEqual([[true], 0x06]);
    expect(inb(LSR)).toBe(0x63);
    expect([line.take(), inb(LSR), sentText()]).toEqual([[false], 0x61, '']);
    expect(inb(RBR)).toBe(0);
  });

  it('holds the sender while the ring is full, until main has read', async () => {
    const { serial, registers, outb, sent } = uart();
    serial.transmitted.pushSome(new Uint8Array(4096));
    const { words } = registers.slices.get('serial0-tx')!;
    // Plays main on another thread: takes everything after a while and wakes the sender.
    const reader = new Worker(
      `const { workerData: { buffer, at } } = require('node:worker_threads');
       const words = new Int32Array(buffer, at, 2);
       setTimeout(() => { Atomics.store(words, 0, Atomics.load(words, 1)); Atomics.notify(words, 0); }, 30);`,
      { eval: true, workerData: { buffer: registers.buffer, at: words.byteOffset } },
    );
    outb(RBR, 0x41);
    expect([...serial.transmitted.drain(), sent.rings]).toEqual([0x41, 1]);
    await reader.terminate();
  });

  it('gives up on a full ring once the machine stops', () => {
    const line = { set() {} };
    const bell = { ring() {} };
    const registers = RegisterFile.create(16 * 1024);
    const serial = new Serial({ name: 's', registers, line, sent: bell, drained: bell, stopping: () => true });
    serial.reset();
    serial.transmitted.pushSome(new Uint8Array(4096));
    serial.write(RBR, 1, 0x41);
    expect(serial.transmitted.drain().includes(0x41)).toBe(false);
  });

  it('takes word accesses as neighbouring bytes', () => {
    const { ports } = uart();
    ports.write(0x3fb, 2, 0x0b03);
    expect(ports.read(0x3fb, 2)).toBe(0x0b03);
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConsoleRouter } from '../../../src/devices/console/router.ts';
import { MemoryConsole, turn } from './support.ts';

/** A serial port with a small receive buffer. */
class Port {
  listening = false;
  room = 4;
  readonly got: number[] = [];
  push(bytes: Uint8Array): number {
    const count = Math.min(bytes.length, this.room);
    this.room -= count;
    this.got.push(...bytes.subarray(0, count));
    return count;
  }
  /** What the guest has sent. */
  output = '';
  write(): void {
    router.output.add(Buffer.from(this.output));
    this.output = '';
  }
  get text(): string {
    return Buffer.from(this.got).toString();
  }
}

let terminal: MemoryConsole;
let router: ConsoleRouter;
let port: Port;
beforeEach(() => {
  terminal = new MemoryConsole();
  router = new ConsoleRouter(terminal);
  port = new Port();
  router.attachSerial(port);
});
afterEach(() => router.close());
const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString();

describe('what is typed', () => {
  it('goes to the virtio console while the serial port does not listen', async () => {
    const read = router.console.read();
    terminal.type('a');
    expect(text(await read)).toBe('a');
    terminal.type('b');
    await turn();
    expect(text(await router.console.read())).toBe('b');
    expect(port.text).toBe('');
  });

  it('goes to the serial port while that listens, whoever else waits', async () => {
    port.listening = true;
    const read = router.console.read();
    terminal.type('abc');
    await turn();
    expect(port.text).toBe('abc');
    port.listening = false;
    terminal.type('d');
    expect(text(await read)).toBe('d');
  });

  it('waits for a taker, and the terminal with it', async () => {
    terminal.type('early');
    terminal.type('later');
    await turn();
    expect(terminal.reads).toBe(1);
    port.listening = true;
    port.room = 100;
    await expect.poll(() => port.text).toBe('earlylater');
  });

  it('goes on when the serial port has room again', async () => {
    port.listening = true;
    terminal.type('0123456789');
    await expect.poll(() => port.text).toBe('0123');
    port.room = 4;
    router.wake();
    expect(port.text).toBe('01234567');
    port.room = 4;
    await expect.poll(() => port.text).toBe('0123456789');
  });

  it('moves over with its rest when the guest stops listening to the serial port', async () => {
    port.listening = true;
    const read = router.console.read();
    terminal.type('0123456789');
    await turn();
    port.listening = false;
    expect(text(await read)).toBe('456789');
  });

  it('waits while there is no machine', async () => {
    router.attachSerial(undefined);
    port.listening = true;
    terminal.type('x');
    await turn();
    expect(port.text).toBe('');
    router.attachSerial(port);
    expect(port.text).toBe('x');
  });

  it('may end', async () => {
    const read = router.console.read();
    terminal.type(undefined);
    expect(await read).toBeUndefined();
    expect(await router.console.read()).toBeUndefined();
  });

  it('is dropped once nobody will take it', async () => {
    const before = process.getActiveResourcesInfo().filter(name => name === 'Timeout').length;
    terminal.type('x');
    await turn();
    router.close();
    terminal.type('y');
    expect(process.getActiveResourcesInfo().filter(name => name === 'Timeout').length).toBeLessThanOrEqual(before);
  });
});

describe('the terminal behind both ports', () => {
  it('is one screen of one size', async () => {
    router.console.output.add(Buffer.from('a'));
    await router.console.output.flushed();
    await terminal.write(Buffer.from('b'));
    expect(text(terminal.output)).toBe('ab');
    expect(router.console.size()).toEqual({ columns: 100, rows: 30 });
    let changes = 0;
    const forget = router.console.onResize(() => changes++);
    terminal.resize(1, 2);
    forget();
    terminal.resize(3, 4);
    expect(changes).toBe(1);
  });
});

describe('what the virtio console writes', () => {
  it('comes after what the serial port was sent before', async () => {
    port.output = 'first, ';
    const { output } = router.console;
    output.add(Buffer.from('second, '));
    output.add(Buffer.from('third'));
    router.attachSerial(undefined);
    output.add(Buffer.from('.'));
    await output.flushed();
    expect(terminal.output.toString()).toBe('first, second, third.');
  });
});

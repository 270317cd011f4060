import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { append, BATCH } from '../../src/devices/console/output-buffer.ts';
import { ConsoleRouter } from '../../src/devices/console/router.ts';
import { Serial } from '../../src/devices/platform/serial.ts';
import { SerialPort } from '../../src/machine/serial-port.ts';
import { RegisterFile } from '../../src/state/register-file.ts';
import { MemoryConsole, turn } from '../devices/console/support.ts';
import { LineLog } from '../devices/platform/support.ts';
import { Random } from '../devices/random.ts';
import { MemoryBell } from '../support/memory-bell.ts';

let terminal: MemoryConsole;
let router: ConsoleRouter;
let serial: Serial;
let bell: MemoryBell;
let port: SerialPort;
beforeEach(() => {
  terminal = new MemoryConsole();
  router = new ConsoleRouter(terminal);
  bell = new MemoryBell();
  serial = new Serial({
    name: 'serial0',
    registers: RegisterFile.create(1 << 16),
    line: new LineLog(),
    sent: bell,
    drained: bell,
    stopping: () => false,
  });
  port = new SerialPort(router);
  port.connect(serial, bell);
});
afterEach(async () => {
  await port.disconnect();
  router.close();
});
/** The guest sends bytes, as many as the port takes; returns how many. */
const send = (bytes: Uint8Array) => {
  const before = serial.transmitted.length;
  const count = serial.transmitted.pushSome(bytes);
  if (before === 0) bell.ring();
  return count;
};
const toConsole = (text: string) => append(router.console.output, Buffer.from(text));
const written = () => terminal.output.toString();

describe('what a guest sends to its serial port', () => {
  it('is written, all of it, however slow the terminal', async () => {
    const seed = 0x5e;
    const random = new Random(seed);
    const input = random.bytes(3 * BATCH);
    let sent = 0;
    while (sent < input.length) {
      const release = random.below(4) === 0 ? terminal.stick() : () => {};
      sent += send(input.subarray(sent, sent + 1 + random.below(20_000)));
      await turn();
      release();
    }
    await port.disconnect();
    expect(terminal.output.equals(input), `seed ${seed}`).toBe(true);
  });

  it('comes after what it sent to its console before', async () => {
    const release = terminal.stick();
    await toConsole('first, ');
    await toConsole('second, ');
    send(Buffer.from('third'));
    await turn();
    release();
    await expect.poll(written).toBe('first, second, third');
  });

  it('comes before what it sends to its console afterwards', async () => {
    send(Buffer.from('a, '));
    await expect.poll(written).toBe('a, ');
    // The port lets bytes gather now.
    send(Buffer.from('b, '));
    await toConsole('c, ');
    send(Buffer.from('d'));
    await expect.poll(written).toBe('a, b, c, d');
  });

  it('waits in the port while there is no room, and the console with it', async () => {
    const release = terminal.stick();
    await toConsole('a');
    await toConsole('b'.repeat(BATCH));
    send(Buffer.from('c'));
    const last = toConsole('d');
    await turn();
    expect(serial.transmitted.length).toBe(1);
    release();
    await last;
    await expect.poll(written).toBe(`a${'b'.repeat(BATCH)}cd`);
  });

  it('is out when the port is let go of', async () => {
    send(Buffer.from('last words'));
    await port.disconnect();
    expect(written()).toBe('last words');
  });
});

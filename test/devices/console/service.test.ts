import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CONSOLE_CONFIG, consoleModel, F } from '../../../src/devices/console/registers.ts';
import { ConsoleService } from '../../../src/devices/console/service.ts';
import { RegisterFile } from '../../../src/state/register-file.ts';
import { MockDriver, type MockDriverOptions } from '../../support/mock-driver.ts';
import type { MockQueue } from '../../support/mock-queue.ts';
import { Random } from '../random.ts';
import { MemoryConsole, portOf, turn } from './support.ts';

const config = { kind: 'console', name: 'console0', columns: 80, rows: 24 } as const;
let terminal: MemoryConsole;
let model: ReturnType<typeof consoleModel>;
let service: ConsoleService;
let driver: MockDriver | undefined;
let receive: MockQueue;
let transmit: MockQueue;

async function start(options: MockDriverOptions = {}): Promise<MockDriver> {
  driver = await MockDriver.start(model, service, options);
  receive = driver.queue(0);
  transmit = driver.queue(1);
  return driver;
}
beforeEach(() => {
  terminal = new MemoryConsole();
  model = consoleModel(config, RegisterFile.create(1 << 16));
  service = new ConsoleService(model, portOf(terminal), 0);
});
afterEach(async () => {
  await driver?.stop();
  driver = undefined;
});
const text = (data: Uint8Array) => Buffer.from(data).toString();
const sha = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

describe('the registers of a console', () => {
  it('offer size and emergency write, not multiport', () => {
    expect(model).toMatchObject({ deviceId: 3, features: F.SIZE | F.EMERG_WRITE, queueSizes: [256, 256] });
    expect(CONSOLE_CONFIG.over(model.config)).toMatchObject({ cols: 80, rows: 24, maxNrPorts: 1, emergWr: 0 });
  });

  it('store nothing of an emergency write, with or without somebody to read it', () => {
    for (const each of [model, consoleModel(config)]) {
      expect(each.writableConfig[0]!.write!(0x1234_5641, each.config)).toBeUndefined();
    }
    expect(model.emergency!.drain()).toEqual(Uint8Array.of(0x41));
  });

  it('drop emergency bytes rather than wait with the device locked', () => {
    for (let i = 0; i < 20_000; i++) model.writableConfig[0]!.write!(65, model.config);
    expect(model.emergency!.drain()).toHaveLength(16_384);
  });
});

describe('console output', () => {
  it('is written in order, and costs the driver no bytes used', async () => {
    await start();
    const replies = await Promise.all(['hello', ' ', 'world\r\n'].map(part => transmit.submit([Buffer.from(part)])));
    expect(replies.map(reply => reply.written)).toEqual([0, 0, 0]);
    await service.settle();
    expect(text(terminal.output)).toBe('hello world\r\n');
  });

  it('of 10 MiB arrives byte for byte', async () => {
    const seed = 10;
    const random = new Random(seed);
    await start();
    const bytes = Buffer.alloc(10 * 1024 * 1024, random.bytes(65_521));
    const chains: Promise<unknown>[] = [];
    for (let at = 0; at < bytes.length; ) {
      const parts = random.cut(bytes.subarray(at, at + 1 + random.below(300_000)), 4096 * 16);
      at += parts.reduce((sum, part) => sum + part.length, 0);
      chains.push(transmit.submit(parts.slice(0, 200), [], { indirect: random.below(2) === 0 }));
      if (chains.length > 8) await chains.shift();
    }
    await Promise.all(chains);
    await service.settle();
    expect(sha(terminal.output), `seed ${seed}`).toBe(sha(bytes));
  });

  it('waits in the ring while the terminal is stuck', async () => {
    const release = terminal.stick();
    await start();
    const line = Buffer.alloc(4096, 'x');
    for (let i = 0; i < 100; i++) void transmit.submit([line]);
    await turn();
    // One batch is being written, one is full, and one chain more is waiting to get in.
    expect(transmit.inFlight).toBeGreaterThan(60);
    release();
    await expect.poll(() => transmit.inFlight).toBe(0);
    await service.settle();
    expect(terminal.output).toHaveLength(409_600);
  });

  it('that nobody takes holds up neither a reset nor a pause', async () => {
    const release = terminal.stick();
    const running = await start();
    for (let i = 0; i < 10; i++) void transmit.submit([Buffer.alloc(65_536, 'x')]);
    await turn();
    await service.settle();
    await running.reset();
    expect(running.status).toBe(0);
    release();
    await service.close();
    // What was taken from the guest before the reset came out after it: one batch written, one full.
    expect(terminal.output).toHaveLength(131_072);
  });

  it('of emergencies needs no queue, and waits for nobody', async () => {
    for (const byte of Buffer.from('panic!')) model.writableConfig[0]!.write!(byte, model.config);
    service.configWritten();
    await service.settle();
    expect(text(terminal.output)).toBe('panic!');
  });

  it('into a device-writable buffer costs the guest its device', async () => {
    await start();
    void transmit.submit([Buffer.from('x')], [1]);
    await expect.poll(() => driver?.needsReset).toContain('device-writable');
  });
});

describe('console input', () => {
  it('comes as it is typed', async () => {
    await start();
    const first = receive.submit([], [64]);
    terminal.type('ls\r');
    expect(text((await first).data)).toBe('ls\r');
  });

  it('fills buffers in order and loses nothing', async () => {
    await start();
    terminal.type('abcdefgh');
    const replies = await Promise.all([receive.submit([], [3]), receive.submit([], [1, 1]), receive.submit([], [8])]);
    expect(replies.map(reply => text(reply.data))).toEqual(['abc', 'de', 'fgh']);
  });

  it('is not read while the guest has no buffers', async () => {
    await start();
    await turn();
    expect(terminal.reads).toBe(0);
    terminal.type('x');
    terminal.type('y');
    expect(text((await receive.submit([], [8])).data)).toBe('x');
    await turn();
    expect(terminal.reads).toBe(1);
  });

  it('of 10 MiB arrives byte for byte', async () => {
    const seed = 11;
    const random = new Random(seed);
    await start();
    const bytes = Buffer.alloc(10 * 1024 * 1024, random.bytes(65_519));
    for (const part of random.cut(bytes, 200_000)) terminal.type(part);
    const got: Uint8Array[] = [];
    for (let left = bytes.length; left > 0; ) {
      const { data } = await receive.submit([], [1 + random.below(60_000), 16]);
      got.push(data);
      left -= data.length;
    }
    expect(sha(Buffer.concat(got)), `seed ${seed}`).toBe(sha(bytes));
  });

  it('may end, and the guest goes on', async () => {
    await start();
    terminal.type('bye');
    terminal.type(undefined);
    expect(text((await receive.submit([], [8])).data)).toBe('bye');
    void receive.submit([], [8]);
    await turn();
    expect(driver?.needsReset).toBeUndefined();
    await transmit.submit([Buffer.from('still here')]);
    await service.settle();
    expect(text(terminal.output)).toBe('still here');
  });

  it('survives a reset, delivered or under way', async () => {
    let running = await start();
    terminal.type('kept');
    expect(text((await receive.submit([], [1])).data)).toBe('k');
    await running.stop();
    running = await start();
    expect(text((await receive.submit([], [8])).data)).toBe('ept');
    void receive.submit([], [8]);
    await turn();
    await running.stop();
    terminal.type('typed meanwhile');
    await start();
    expect(text((await receive.submit([], [64])).data)).toBe('typed meanwhile');
    expect(terminal.reads).toBe(2);
  });

  it('is part of a snapshot', async () => {
    await start();
    terminal.type('rest');
    await receive.submit([], [1]);
    const state = structuredClone(service.save());
    await driver?.stop();
    service = new ConsoleService(model, portOf(new MemoryConsole()));
    service.restore(state);
    await start();
    expect(text((await receive.submit([], [8])).data)).toBe('est');
    for (const junk of [undefined, null, 7, {}, { input: 7 }]) service.restore(junk);
  });

  it('needs room, and nothing to read', async () => {
    await start();
    void receive.submit([Uint8Array.of(1)], [8]);
    await expect.poll(() => driver?.needsReset).toContain('device-readable');
    await driver?.stop();
    await start();
    void receive.submit([], [0]);
    await expect.poll(() => driver?.needsReset).toContain('no room');
  });
});

describe('console input before the driver listens', () => {
  it('waits until the driver has looked at the window', async () => {
    const running = await start({ deaf: true });
    const reply = receive.submit([], [100]);
    terminal.type('early');
    let came = false;
    void reply.then(() => {
      came = true;
    });
    for (let i = 0; i < 40; i++) await turn();
    expect(came).toBe(false);
    running.readConfig();
    expect(text((await reply).data)).toBe('early');
  });

  it('waits for a pause, since a probe prints the log before it listens', async () => {
    service = new ConsoleService(model, portOf(terminal), 100);
    await start();
    let came = false;
    const reply = receive.submit([], [100]).then(({ data }) => {
      came = true;
      return text(data);
    });
    terminal.type('early');
    for (let line = 0; line < 20; line++) {
      await transmit.submit([Buffer.from('a line of the log')]);
      await setTimeout(15);
    }
    expect(came).toBe(false);
    expect(await reply).toBe('early');
  });

  it('waits for no look of a driver that did not take the size', async () => {
    await start({ deaf: true, features: 1n << 32n });
    terminal.type('early');
    expect(text((await receive.submit([], [100])).data)).toBe('early');
  });

  it('does not wait for ever, and not once the queue must stop', async () => {
    await start({ deaf: true });
    const begin = performance.now();
    await driver!.stop();
    expect(performance.now() - begin).toBeLessThan(1000);
    await start({ deaf: true });
    terminal.type('early');
    expect(text((await receive.submit([], [100])).data)).toBe('early');
  });
});

describe('the window', () => {
  const window = (running: MockDriver) => {
    const { cols, rows } = CONSOLE_CONFIG.over(running.readConfig());
    return [cols, rows];
  };

  it('is told at the start and at every change, once each', async () => {
    const running = await start();
    await turn();
    expect([window(running), running.configInterrupts]).toEqual([[100, 30], 1]);
    terminal.resize(132, 43);
    await turn();
    expect([window(running), running.configInterrupts]).toEqual([[132, 43], 2]);
    terminal.resize(132, 43);
    await turn();
    expect(running.configInterrupts).toBe(2);
  });

  it('is told at each start, also to a driver that could have read it: Linux waits to hear of a change', async () => {
    terminal.resize(80, 24);
    for (let i = 0; i < 2; i++) {
      const running = await start();
      await turn();
      expect([window(running), running.configInterrupts]).toEqual([[80, 24], 1]);
      await running.stop();
    }
  });

  it('is told again after the first outputs, since Linux forgets what it hears before its terminal is there', async () => {
    const running = await start();
    for (let i = 0; i < 12; i++) await transmit.submit([Uint8Array.of(i)], []);
    await turn();
    expect(running.configInterrupts).toBe(1 + 8);
  });

  it('is watched only while there is a driver', async () => {
    const running = await start();
    await turn();
    expect(terminal.listeners).toBe(1);
    await running.stop();
    expect(terminal.listeners).toBe(0);
  });
});

describe('a console under any traffic', () => {
  it('keeps both directions byte-exact', async () => {
    const seed = 0xf022;
    const random = new Random(seed);
    await start();
    const sent: Uint8Array[] = [];
    const typed: Uint8Array[] = [];
    const got: Uint8Array[] = [];
    const pending: Promise<unknown>[] = [];
    for (let i = 0; i < 400; i++) {
      const bytes = random.bytes(1 + random.below(3000));
      switch (random.below(3)) {
        case 0:
          sent.push(bytes);
          pending.push(transmit.submit(random.cut(bytes, 1000), [], { indirect: random.below(2) === 0 }));
          break;
        case 1:
          typed.push(bytes);
          terminal.type(bytes);
          break;
        default:
          pending.push(receive.submit([], [1 + random.below(2000), 1]).then(reply => got.push(reply.data)));
          if (random.below(4) === 0) await turn();
      }
    }
    const total = typed.reduce((sum, part) => sum + part.length, 0);
    while (got.reduce((sum, part) => sum + part.length, 0) < total) {
      pending.push(receive.submit([], [4000]).then(reply => got.push(reply.data)));
      await turn();
    }
    await service.settle();
    expect(terminal.output.equals(Buffer.concat(sent)), `seed ${seed}`).toBe(true);
    expect(Buffer.concat(got).equals(Buffer.concat(typed)), `seed ${seed}`).toBe(true);
  });
});

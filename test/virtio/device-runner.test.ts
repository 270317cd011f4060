import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DriverError } from '../../src/base/errors.ts';
import { log } from '../../src/base/log.ts';
import type { DeviceService } from '../../src/virtio/device.ts';
import { MockDriver, type MockDriverOptions } from '../support/mock-driver.ts';
import { EchoService, echoModel, gate, turns } from './echo.ts';

let driver: MockDriver;
let service: EchoService;
let warnings: string[];
const start = async (options: MockDriverOptions = {}) => {
  service = new EchoService();
  driver = await MockDriver.start(echoModel(), service, options);
  await turns();
};
const startWith = async (other: DeviceService) => {
  driver = await MockDriver.start(echoModel(), other);
  await turns();
};
beforeEach(() => {
  warnings = [];
  log.setSink(line => warnings.push(line));
});
afterEach(() => driver?.stop());

const request = (index = 0, byte = 7) => driver.queue(index).submit([Uint8Array.of(byte)], [1]);

describe('queues', () => {
  it('are served from DRIVER_OK on, each by a loop of its own', async () => {
    await start();
    expect(service.log).toEqual(['serve 0', 'serve 1']);
    expect((await request(0, 1)).data).toEqual(Uint8Array.of(1));
    expect((await request(1, 2)).data).toEqual(Uint8Array.of(2));
  });

  it('are served when they are enabled after DRIVER_OK, and not at all when they never are', async () => {
    service = new EchoService();
    driver = MockDriver.create(echoModel(), service);
    driver.negotiate();
    driver.registers.enableMsix(3);
    driver.status = 0xf;
    await turns();
    expect(service.log).toEqual([]);
    driver.enableQueue(1);
    expect((await request(1)).written).toBe(1);
    expect(service.log).toEqual(['serve 1']);
    await driver.reset();
    expect(service.log).toEqual(['serve 1', 'parked 1', 'reset']);
  });

  it('carry loads without EVENT_IDX, with it, and through indirect tables alike', async () => {
    for (const [features, indirect] of [
      [~0n, true],
      [~(1n << 29n), false],
      [1n << 32n, false],
    ] as const) {
      await start({ features, indirect });
      const replies = await Promise.all(
        Array.from({ length: 500 }, (_, i) => driver.queue(i % 2).submit([Uint8Array.of(i & 0xff, i >>> 8)], [1, 1])),
      );
      for (const [i, { data }] of replies.entries()) expect([...data]).toEqual([i & 0xff, i >>> 8]);
      await driver.stop();
    }
  });
});

describe('a device reset (2.4.1)', () => {
  it('reads a status other than 0 until every loop has parked, then everything is as at the start', async () => {
    await start();
    const { promise, open } = gate();
    service.gate = promise;
    void request();
    await turns();
    driver.status = 0;
    await turns(20);
    expect(driver.status).toBe(0xf);
    driver.status = 0x8f;
    expect(driver.status).toBe(0xf);
    const used = driver.queue(0).usedIdx;
    open();
    await driver.reset();
    expect(service.log.slice(2).sort()).toEqual(['parked 0', 'parked 1', 'reset']);
    expect(driver.queues).toEqual([]);
    expect(used).toBe(0);
    const r = driver.registers;
    expect([r.get('queue_enable'), r.get('queue_size'), r.get('queue_desc'), r.get('driver_feature')]).toEqual([
      0, 16, 0, 0,
    ]);
  });

  it('touches no ring afterwards, and starts from index 0 again', async () => {
    await start();
    for (let i = 0; i < 5; i++) await request();
    const old = driver.queue(0);
    await driver.reset();
    const before = old.usedIdx;
    void old.submit([Uint8Array.of(1)], [1]);
    old.kick(true);
    await turns();
    expect(old.usedIdx).toBe(before);
    driver.negotiate();
    driver.setUp();
    expect((await request()).written).toBe(1);
    expect(driver.queue(0).usedIdx).toBe(1);
    expect(warnings).toEqual([]);
  });

  it('follows on DRIVER_OK in the same breath', async () => {
    service = new EchoService();
    driver = await MockDriver.start(echoModel(), service);
    driver.status = 0;
    await driver.reset();
    expect(driver.status).toBe(0);
    expect(service.running).toBe(0);
  });

  it('gets through a service that fails at it', async () => {
    await startWith({
      async serve(_, queue) {
        await queue.stopped;
      },
      reset: () => Promise.reject(new Error('no')),
    });
    await driver.reset();
    expect(warnings.join()).toMatch(/its reset failed: .*no/s);
  });
});

describe('a queue reset (2.6.1)', () => {
  it('reads 1 while the queue is busy, then both bits read 0, and the queue can be enabled anew', async () => {
    await start();
    const r = driver.registers;
    const { promise, open } = gate();
    service.gate = promise;
    void request(0);
    await turns();
    r.set('queue_select', 0);
    r.set('queue_reset', 1);
    r.set('queue_reset', 1);
    await turns(20);
    expect([r.get('queue_reset'), r.get('queue_enable')]).toEqual([1, 1]);
    r.set('queue_size', 2);
    expect(r.get('queue_size')).toBe(16);
    open();
    await turns();
    expect([r.get('queue_reset'), r.get('queue_enable'), r.get('queue_size'), r.get('queue_desc')]).toEqual([
      0, 0, 16, 0,
    ]);
    expect(r.get('queue_msix_vector')).toBe(0xffff);
    expect(service.running).toBe(1);
    service.gate = undefined;
    // The other queue has not noticed, and the device is still up.
    expect((await request(1)).written).toBe(1);
    driver.enableQueue(0);
    expect((await request(0, 5)).data).toEqual(Uint8Array.of(5));
    expect(driver.queue(0).usedIdx).toBe(1);
    expect(warnings).toEqual([]);
  });
});

describe('a queue reset of a device that needs a reset', () => {
  it('ends all the same, so that no driver waits for it for ever', async () => {
    await start();
    service.device?.needsReset('it is broken');
    await turns();
    const r = driver.registers;
    r.set('queue_select', 1);
    r.set('queue_reset', 1);
    await turns();
    expect([r.get('queue_reset'), r.get('queue_enable')]).toEqual([0, 0]);
  });
});

describe('a driver that breaks the rules (2.1.2)', () => {
  it('loses its device: NEEDS_RESET, a configuration interrupt, one warning, no more service', async () => {
    await start();
    driver.queue(0).offer(99);
    driver.queue(0).kick(true);
    await turns();
    expect(driver.status).toBe(0x4f);
    expect(driver.configInterrupts).toBe(1);
    expect(driver.needsReset).toBe('queue 0: available descriptor 99 is outside the table of 16');
    expect(warnings).toEqual([
      'tslaunch: echo0: queue 0: available descriptor 99 is outside the table of 16; the device stops until its driver resets it.\n',
    ]);
    expect(service.running).toBe(0);
    void request(1);
    driver.queue(1).kick(true);
    await turns();
    expect(driver.queue(1).usedIdx).toBe(0);
  });

  it('has it back after a reset', async () => {
    await start();
    driver.queue(1).setAvailIdx(1000);
    driver.queue(1).kick(true);
    await turns();
    expect(driver.status & 0x40).toBe(0x40);
    await driver.reset();
    driver.negotiate();
    driver.setUp();
    expect((await request(1)).written).toBe(1);
  });

  it.each([
    ['a DriverError', new DriverError('bad request'), 'queue 1: bad request'],
    ['any other error', new TypeError('broken'), 'queue 1: TypeError: broken'],
  ])('is told of %s that escapes the service', async (_, error, reason) => {
    await startWith({
      async serve(index, queue) {
        await queue.next();
        if (index === 1) throw error;
      },
    });
    void request(1);
    await turns();
    expect(driver.status).toBe(0x4f);
    expect(driver.needsReset).toContain(reason);
    expect(warnings).toHaveLength(1);
  });

  it('is told by the service itself', async () => {
    await start();
    service.device?.needsReset('it asked twice');
    service.device?.needsReset('it asked twice');
    await turns();
    expect(driver.needsReset).toBe('it asked twice');
    expect(service.running).toBe(0);
    expect(warnings).toHaveLength(1);
  });

  it('is not told of what goes wrong in a queue that stops anyway', async () => {
    await startWith({
      async serve(_, queue) {
        await queue.stopped;
        throw new Error('cancelled');
      },
    });
    await driver.reset();
    expect(warnings).toEqual([]);
  });
});

describe('pause and resume', () => {
  it('complete what is in flight, settle, take nothing, and go on without losing a chain', async () => {
    await start();
    const { promise, open } = gate();
    service.gate = promise;
    const first = request(0, 1);
    await turns();
    let paused = false;
    const pausing = driver.runner.pause().then(() => {
      paused = true;
    });
    const second = request(0, 2);
    const other = request(1, 3);
    await turns();
    expect(paused).toBe(false);
    open();
    await pausing;
    expect((await first).data).toEqual(Uint8Array.of(1));
    expect(service.log.at(-1)).toBe('settle');
    await turns();
    expect([driver.queue(0).usedIdx, driver.queue(1).usedIdx]).toEqual([1, 0]);
    driver.runner.resume();
    expect((await second).data).toEqual(Uint8Array.of(2));
    expect((await other).data).toEqual(Uint8Array.of(3));
  });

  it('hold for queues that are enabled meanwhile, and let a reset through', async () => {
    await start();
    await driver.runner.pause();
    await driver.reset();
    driver.negotiate();
    driver.setUp();
    const reply = request();
    await turns();
    expect(driver.queue(0).usedIdx).toBe(0);
    driver.runner.resume();
    expect((await reply).written).toBe(1);
  });

  it('wait for what a reset has stopped and not ended', async () => {
    await start();
    const { promise, open } = gate();
    service.gate = promise;
    void request();
    await turns();
    driver.status = 0;
    await turns();
    let paused = false;
    const pausing = driver.runner.pause().then(() => {
      paused = true;
    });
    await turns();
    expect(paused).toBe(false);
    open();
    await pausing;
    expect(service.running).toBe(0);
  });

  it('say which queue does not let go, and can be taken back', async () => {
    await start();
    const { promise, open } = gate();
    service.gate = promise;
    const reply = request();
    await turns();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const pausing = expect(driver.runner.pause()).rejects.toThrow('echo0: queue 0 has 1 requests that do not end');
      await vi.advanceTimersByTimeAsync(10_000);
      await pausing;
    } finally {
      vi.useRealTimers();
    }
    driver.runner.resume();
    open();
    expect((await reply).written).toBe(1);
  });
});

describe('a snapshot', () => {
  it('is the bytes of the register file, and the device goes on from it', async () => {
    await start();
    for (let i = 0; i < 3; i++) await request();
    await driver.runner.pause();
    const saved = new Uint8Array(driver.file.buffer).slice();
    await driver.runner.stop();
    driver.function.reset();
    expect(driver.status).toBe(0);
    new Uint8Array(driver.file.buffer).set(saved);
    driver.runner.start({ paused: true });
    await turns();
    const reply = request(0, 9);
    await turns();
    expect(driver.queue(0).usedIdx).toBe(3);
    driver.runner.resume();
    expect((await reply).data).toEqual(Uint8Array.of(9));
    expect(driver.queue(0).usedIdx).toBe(4);
    expect(service.served).toBe(4);
    expect(warnings).toEqual([]);
  });

  it('that somebody tampered with costs the guest its device', async () => {
    for (const [what, at, value] of [
      ['size 12', 0x40, 12],
      ['size 0', 0x40, 0],
      ['a ring elsewhere', 0x4f, 0xff],
    ] as const) {
      await start();
      await driver.runner.stop();
      driver.file.slices.get('virtio-echo0')!.bytes[at] = value;
      driver.runner.start();
      await turns();
      expect(driver.status, what).toBe(0x4f);
      await driver.stop();
    }
  });
});

describe('the end', () => {
  it('parks everything, settles and closes', async () => {
    await start();
    await driver.runner.close();
    expect(service.log.slice(2).sort()).toEqual(['close', 'parked 0', 'parked 1', 'reset', 'settle']);
    expect(service.running).toBe(0);
  });

  it('can be followed by a new start, as when the guest reboots', async () => {
    await start();
    for (let i = 0; i < 3; i++) {
      await request();
      await driver.runner.stop();
      driver.function.reset();
      driver.runner.start();
      driver.negotiate();
      driver.setUp();
      expect((await request()).written).toBe(1);
    }
    expect(() => driver.runner.start()).toThrow('running already');
  });

  it('does not wait for ever for a request that does not end, which then disturbs nobody', async () => {
    await start();
    const { promise, open } = gate();
    service.gate = promise;
    void request();
    await turns();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const stopping = driver.runner.stop();
      await vi.advanceTimersByTimeAsync(10_000);
      await stopping;
    } finally {
      vi.useRealTimers();
    }
    expect(warnings).toEqual(['tslaunch: echo0: its last request takes too long; going on without it.\n']);
    service.gate = undefined;
    driver.function.reset();
    driver.runner.start();
    driver.negotiate();
    driver.setUp();
    open();
    expect((await request()).written).toBe(1);
    expect(driver.queue(0).usedIdx).toBe(1);
  });

  it('is harmless twice, and before the start', async () => {
    await start();
    await driver.runner.stop();
    await driver.runner.stop();
    await driver.runner.close();
    expect(service.log.filter(line => line === 'close')).toHaveLength(1);
  });
});

describe('configuration', () => {
  it('changes under the service, and the driver sees generation and interrupt', async () => {
    await start();
    const { registers: r } = driver;
    const before = r.get('config_generation');
    await request();
    service.device?.changeConfig(config => config.set([0xaa, 0xbb]));
    await turns();
    expect(r.get('config_generation')).not.toBe(before);
    expect(driver.configInterrupts).toBe(1);
    expect([...driver.readConfig()].slice(0, 2)).toEqual([0xaa, 0xbb]);
    expect(service.device?.features).toBe(driver.features);
  });
});

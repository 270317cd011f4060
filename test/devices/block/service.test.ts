import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { log } from '../../../src/base/log.ts';
import { BLOCK_CONFIG, type BlockConfig, blockModel, F } from '../../../src/devices/block/registers.ts';
import { S, T } from '../../../src/devices/block/request.ts';
import { BlockService } from '../../../src/devices/block/service.ts';
import { MockDriver, type MockDriverOptions } from '../../support/mock-driver.ts';
import type { MockQueue, Reply } from '../../support/mock-queue.ts';
import { Random } from '../random.ts';
import { MemoryDisk } from './memory-disk.ts';
import { header, range } from './support.ts';

const SECTORS = 64;
const VERSION_1 = 1n << 32n;
let config: BlockConfig;
let disk: MemoryDisk;
let service: BlockService;
let driver: MockDriver | undefined;
let queue: MockQueue;
let lines: string[];

async function start(options: MockDriverOptions = {}): Promise<MockDriver> {
  service = new BlockService(config, disk);
  driver = await MockDriver.start(blockModel(config), service, options);
  queue = driver.queue(0);
  return driver;
}
beforeEach(() => {
  config = { kind: 'block', name: 'block0', sectors: SECTORS, readOnly: false, serial: 'TS-0001' };
  disk = new MemoryDisk(SECTORS * 512);
  lines = [];
  log.setSink(line => lines.push(line));
});
afterEach(async () => {
  disk.before = () => {};
  await driver?.stop();
  driver = undefined;
});
const statusOf = (reply: Reply) => reply.buffers.at(-1)!.at(-1);
const read = (sector: number, length: number) => queue.submit([header(T.IN, sector)], [length, 1]);
const write = (sector: number, data: Uint8Array) => queue.submit([header(T.OUT, sector), data], [1]);
const flush = () => queue.submit([header(T.FLUSH)], [1]);
const turn = () => new Promise(resolve => setTimeout(resolve, 5));

describe('the block device', () => {
  it('writes and reads back', async () => {
    await start();
    const data = new Random(5).bytes(1024);
    const written = await write(3, data);
    expect([statusOf(written), written.written]).toEqual([S.OK, 1]);
    const back = await read(3, 1024);
    expect([statusOf(back), back.written]).toEqual([S.OK, 1025]);
    expect(back.buffers[0]).toEqual(data);
    expect(disk.journal).toEqual(['write 1536+1024', 'read 1536+1024']);
  });

  it('tells the driver what is done before all of a batch has begun, where the event loop has time for it', async () => {
    await start();
    const batch = async (count: number) => {
      const begun: number[] = [];
      const before = disk.journal.length;
      const requests = Array.from({ length: count }, (_, i) =>
        queue
          .submit([header(T.OUT, i), new Uint8Array(512)], [1], { kick: i === count - 1 })
          .then(() => void begun.push(disk.journal.length - before)),
      );
      await Promise.all(requests);
      return begun;
    };
    // As from a thread: the answer comes with the event loop's next turn.
    disk.before = () => new Promise(setImmediate);
    expect((await batch(8))[0]).toBe(8);
    await new Promise(resolve => setTimeout(resolve, 300));
    for (let i = 0; i < 7; i++) await batch(8);
    expect((await batch(8))[0]).toBeLessThan(8);
  });

  it('answers GET_ID with the serial, padded', async () => {
    await start();
    const reply = await queue.submit([header(T.GET_ID)], [20, 1]);
    expect(Buffer.from(reply.buffers[0]!).toString()).toBe('TS-0001'.padEnd(20, '\0'));
    expect([statusOf(reply), reply.written]).toEqual([S.OK, 21]);
    const short = await queue.submit([header(T.GET_ID)], [3, 1]);
    expect(Buffer.from(short.data).toString()).toBe('TS-\0');
  });

  it('refuses what lies beyond its end, and never touches the image for it', async () => {
    await start();
    for (const reply of [await write(SECTORS, new Uint8Array(512)), await write(SECTORS - 1, new Uint8Array(1024))]) {
      expect([statusOf(reply), reply.written]).toEqual([S.IOERR, 1]);
    }
    const reply = await read(SECTORS, 512);
    // Nothing but the status was written, and that is not at the start: the used length may not count it (2.7.8.2).
    expect([statusOf(reply), reply.written]).toEqual([S.IOERR, 0]);
    expect(statusOf(await write(0, new Uint8Array(100)))).toBe(S.IOERR);
    expect(statusOf(await queue.submit([header(99)], [1]))).toBe(S.UNSUPP);
    expect(disk.journal).toEqual([]);
  });

  it('that is read-only fails writes although nobody negotiated RO (5.2.6.2)', async () => {
    config = { ...config, readOnly: true };
    await start({ features: VERSION_1 });
    expect(statusOf(await write(0, new Uint8Array(512)))).toBe(S.IOERR);
    expect(statusOf(await read(0, 512))).toBe(S.OK);
    expect(disk.journal).toEqual(['read 0+512']);
  });

  it.each([
    ['a short header', [header(T.IN).subarray(0, 10)], [513], 'header'],
    ['no status', [header(T.OUT), new Uint8Array(512)], [], 'status'],
  ])('is lost to a driver that sends %s', async (_what, readable, writable, reason) => {
    await start();
    void queue.submit(readable, writable);
    await expect.poll(() => driver?.needsReset).toContain(reason);
  });
});

describe('zeroes and discards', () => {
  const zero = (...ranges: Uint8Array[]) => queue.submit([header(T.WRITE_ZEROES), ...ranges], [1]);
  const discard = (...ranges: Uint8Array[]) => queue.submit([header(T.DISCARD), ...ranges], [1]);

  it('reach the disk, range by range', async () => {
    config = { ...config, discardUnit: 4096 };
    await start();
    disk.bytes.fill(7);
    expect(statusOf(await zero(range(1, 2), range(8, 1, 1)))).toBe(S.OK);
    expect(statusOf(await discard(range(16, 8), range(32, 8)))).toBe(S.OK);
    expect(statusOf(await discard(range(SECTORS, 1)))).toBe(S.IOERR);
    expect(statusOf(await discard(range(0, 1, 1)))).toBe(S.UNSUPP);
    expect(disk.journal).toEqual(['zero 512+1024', 'zero 4096+512 unmap', 'discard 8192+4096', 'discard 16384+4096']);
    expect(disk.bytes.subarray(512, 1536).every(byte => byte === 0)).toBe(true);
  });

  it('keep the space where the user wants that', async () => {
    await start();
    expect(statusOf(await zero(range(0, 8, 1)))).toBe(S.OK);
    expect(statusOf(await discard(range(0, 8)))).toBe(S.UNSUPP);
    expect(disk.journal).toEqual(['zero 0+4096']);
  });

  it('are durable in write-through mode', async () => {
    config = { ...config, writeThrough: true };
    await start();
    expect(statusOf(await zero(range(0, 1), range(8, 1)))).toBe(S.OK);
    expect(disk.journal).toEqual(['zero 0+512', 'zero 4096+512', 'flush', 'flushed']);
  });

  it('that fail cost the guest the request', async () => {
    config = { ...config, discardUnit: 4096 };
    await start();
    disk.before = () => {
      throw Object.assign(new Error('EIO'), { code: 'EIO' });
    };
    expect(statusOf(await zero(range(0, 1)))).toBe(S.IOERR);
    expect(statusOf(await discard(range(0, 1)))).toBe(S.IOERR);
    expect(lines).toHaveLength(2);
    expect(driver?.needsReset).toBeUndefined();
  });
});

describe('a disk that grows on the host', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
  afterEach(() => void vi.useRealTimers());
  const capacity = (running: MockDriver) => Number(BLOCK_CONFIG.over(running.readConfig()).capacity);

  it('is larger for the guest within a second, with an interrupt', async () => {
    disk = new MemoryDisk((SECTORS + 8) * 512);
    disk.sizeOnHost = SECTORS * 512;
    const running = await start();
    expect(statusOf(await read(SECTORS, 512))).toBe(S.IOERR);
    disk.sizeOnHost = (SECTORS + 8) * 512;
    vi.advanceTimersByTime(1000);
    await expect.poll(() => running.configInterrupts).toBe(1);
    expect(capacity(running)).toBe(SECTORS + 8);
    expect(statusOf(await read(SECTORS, 512))).toBe(S.OK);
    expect(statusOf(await read(SECTORS + 8, 512))).toBe(S.IOERR);
    vi.advanceTimersByTime(5000);
    expect(running.configInterrupts).toBe(1);
    expect(lines).toEqual([]);
  });

  it('is so for the next driver too, told when that is there', async () => {
    const running = await start();
    await running.reset();
    disk.sizeOnHost = (SECTORS + 8) * 512;
    vi.advanceTimersByTime(3000);
    expect(running.configInterrupts).toBe(0);
    running.negotiate();
    running.setUp();
    await expect.poll(() => running.configInterrupts).toBe(1);
    expect(capacity(running)).toBe(SECTORS + 8);
  });

  it('is never smaller for the guest; the user is told once', async () => {
    const running = await start();
    disk.sizeOnHost = 1024;
    vi.advanceTimersByTime(3000);
    expect(capacity(running)).toBe(SECTORS);
    expect(running.configInterrupts).toBe(0);
    expect(lines).toEqual([
      'tslaunch: block0 (memory): somebody has shortened the image from 32768 to 1024 bytes; the guest gets I/O errors behind that.\n',
    ]);
    disk.sizeOnHost = SECTORS * 512;
    vi.advanceTimersByTime(1000);
    disk.sizeOnHost = 512;
    vi.advanceTimersByTime(1000);
    expect(lines).toHaveLength(2);
  });

  it('is not looked at any more once it is closed', async () => {
    const running = await start();
    await running.stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('several queues', () => {
  it('work at once', async () => {
    config = { ...config, queues: 4 };
    const running = await start();
    let release = () => {};
    const gate = new Promise<void>(resolve => {
      release = resolve;
    });
    disk.before = () => gate;
    const reads = running.queues.map((each, n) => each.submit([header(T.IN, n)], [512, 1]));
    await expect.poll(() => disk.journal.length).toBe(4);
    release();
    expect((await Promise.all(reads)).map(statusOf)).toEqual([S.OK, S.OK, S.OK, S.OK]);
    disk.before = () => {};
    await Promise.all(running.queues.map((each, n) => each.submit([header(T.OUT, n), new Uint8Array(512)], [1])));
    await running.queues[3]!.submit([header(T.FLUSH)], [1]);
    expect(disk.journal.slice(4)).toEqual([...[0, 1, 2, 3].map(n => `write ${n * 512}+512`), 'flush', 'flushed']);
  });
});

describe('durability', () => {
  it('a flush follows the writes completed before it', async () => {
    await start();
    await Promise.all([write(0, new Uint8Array(512)), write(8, new Uint8Array(512))]);
    expect(statusOf(await flush())).toBe(S.OK);
    expect(disk.journal).toEqual(['write 0+512', 'write 4096+512', 'flush', 'flushed']);
  });

  it('a flush does not share an fdatasync that began before the last completed write', async () => {
    await start();
    let release = () => {};
    const slow = new Promise<void>(resolve => {
      release = resolve;
    });
    disk.before = what => (what === 'flush' ? slow : undefined);
    const first = flush();
    await turn();
    await write(0, new Uint8Array(512));
    const second = flush();
    await turn();
    expect(disk.journal).toEqual(['flush', 'write 0+512']);
    disk.before = () => {};
    release();
    await Promise.all([first, second]);
    expect(disk.journal).toEqual(['flush', 'write 0+512', 'flushed', 'flush', 'flushed']);
  });

  it('a driver that cannot flush has every write made durable (5.2.6.2)', async () => {
    await start({ features: ~(F.FLUSH | F.CONFIG_WCE) });
    await write(0, new Uint8Array(512));
    expect(disk.journal).toEqual(['write 0+512 durable']);
  });

  it('the driver may choose, and what it had written becomes durable when it chooses write-through', async () => {
    const running = await start();
    await write(0, new Uint8Array(512));
    expect(BLOCK_CONFIG.over(running.readConfig()).writeback).toBe(1);
    running.writeConfig(32, 1, 0);
    await write(0, new Uint8Array(512));
    await turn();
    expect(disk.journal[0]).toBe('write 0+512');
    expect(disk.journal.slice(1).sort()).toEqual(['flush', 'flushed', 'write 0+512 durable']);
  });

  it('a disk in write-through mode makes every write durable whatever the driver knows', async () => {
    config = { ...config, writeThrough: true };
    await start();
    await write(0, new Uint8Array(512));
    expect(disk.journal).toEqual(['write 0+512 durable']);
    expect(statusOf(await flush())).toBe(S.OK);
  });

  it('a driver that may choose but cannot flush starts in write-through (5.2.5.2)', async () => {
    const running = await start({ features: ~F.FLUSH });
    await write(0, new Uint8Array(512));
    expect(BLOCK_CONFIG.over(running.readConfig()).writeback).toBe(0);
    expect(disk.journal).toEqual(['write 0+512 durable']);
  });

  it('settling makes everything durable, closing gives the disk back', async () => {
    const running = await start();
    await write(0, new Uint8Array(512));
    await service.settle();
    expect(disk.journal.slice(-2)).toEqual(['flush', 'flushed']);
    await running.stop();
    expect(disk.closed).toBe(true);
  });
});

describe('a disk that fails', () => {
  const fail = (code: string) => () => {
    throw Object.assign(new Error(code), { code });
  };

  it.each([true, false])(
    'costs the guest the request, and the user one line a kind (immediate: %s)',
    async immediate => {
      await start();
      disk.immediate = immediate;
      disk.before = fail('EIO');
      for (let i = 0; i < 3; i++) {
        expect(statusOf(await read(0, 512))).toBe(S.IOERR);
        expect(statusOf(await write(0, new Uint8Array(512)))).toBe(S.IOERR);
        expect(statusOf(await flush())).toBe(S.IOERR);
      }
      disk.before = fail('ENOSPC');
      expect(statusOf(await write(0, new Uint8Array(512)))).toBe(S.IOERR);
      expect(lines).toEqual([
        'tslaunch: block0 (memory): a read failed on the host: EIO; the guest sees an I/O error.\n',
        'tslaunch: block0 (memory): a write failed on the host: EIO; the guest sees an I/O error.\n',
        'tslaunch: block0 (memory): a flush failed on the host: EIO; the guest sees an I/O error.\n',
        'tslaunch: block0 (memory): a write failed on the host: ENOSPC; the guest sees an I/O error.\n',
      ]);
      disk.before = () => {};
      expect(statusOf(await read(0, 512))).toBe(S.OK);
      expect(driver?.needsReset).toBeUndefined();
    },
  );

  it('that cannot keep what it was given is said so at the end, once', async () => {
    await start();
    disk.before = fail('EIO');
    await expect(service.settle()).rejects.toThrow('The host could not keep all that was written to memory (EIO).');
    const { close } = disk;
    disk.close = () => disk.flush();
    await service.close();
    disk.close = close;
  });

  it.each([true, false])(
    'that ends early is an error, never stale memory sold as data (immediate: %s)',
    async immediate => {
      await start();
      disk.immediate = immediate;
      disk.readLimit = 700;
      disk.bytes.fill(9);
      const reply = await read(0, 1024);
      expect([statusOf(reply), reply.written]).toEqual([S.IOERR, 700]);
    },
  );
});

describe('requests in flight', () => {
  it('run together and complete as they end', async () => {
    await start();
    const gates: (() => void)[] = [];
    disk.before = () => new Promise<void>(resolve => gates.push(resolve));
    const order: number[] = [];
    const reads = [0, 1, 2, 3].map(sector => read(sector, 512).then(() => order.push(sector)));
    await expect.poll(() => gates.length).toBe(4);
    for (const index of [2, 0, 3, 1]) {
      gates[index]!();
      await turn();
    }
    await Promise.all(reads);
    expect(order).toEqual([2, 0, 3, 1]);
  });

  it('are as many as the queue has entries', async () => {
    await start({ queueSize: 8, indirect: true });
    let release = () => {};
    const gate = new Promise<void>(resolve => {
      release = resolve;
    });
    disk.before = () => gate;
    const reads = Array.from({ length: 12 }, (_, sector) => read(sector, 512));
    await expect.poll(() => disk.journal.length).toBe(8);
    await turn();
    expect(disk.journal).toHaveLength(8);
    release();
    await Promise.all(reads);
    expect(disk.journal).toHaveLength(12);
  });

  it('end before the loop does', async () => {
    const running = await start();
    let release = () => {};
    disk.before = () =>
      new Promise<void>(resolve => {
        release = resolve;
      });
    void read(0, 512);
    await turn();
    let stopped = false;
    const stop = running.stop().then(() => {
      stopped = true;
    });
    await turn();
    expect([stopped, disk.closed]).toEqual([false, false]);
    disk.before = () => {};
    release();
    await stop;
    expect(disk.closed).toBe(true);
  });

  it('that the page cache answers leave the event loop its turns', async () => {
    await start();
    disk.immediate = true;
    let turns = 0;
    const ticking = setInterval(() => turns++, 0);
    let left = 20_000;
    const again = (): Promise<unknown> | undefined => (left-- > 0 ? read(0, 512).then(again) : undefined);
    await Promise.all(Array.from({ length: 32 }, again));
    clearInterval(ticking);
    expect(turns).toBeGreaterThan(5);
  });
});

describe('a driver that does anything', () => {
  it('gets what the disk holds, whatever the layout, and never ends the launcher', async () => {
    const seed = 0xd15c;
    const random = new Random(seed);
    config = { ...config, discardUnit: 4096 };
    await start();
    const shadow = new Uint8Array(disk.size);
    for (let i = 0; i < 600; i++) {
      disk.immediate = random.below(2) === 0;
      const type = random.pick([T.IN, T.OUT, T.FLUSH, T.GET_ID, T.WRITE_ZEROES, T.DISCARD, 7]);
      const sector = random.below(SECTORS + 4);
      const length = random.below(6) * 512 + random.pick([0, 0, 0, 0, 1]);
      const ranged = type === T.WRITE_ZEROES || type === T.DISCARD;
      const count = random.below(8);
      const payload = type === T.OUT ? random.bytes(length) : ranged ? range(sector, count) : new Uint8Array(0);
      const readable = random.cut(new Uint8Array([...header(type, sector), ...payload]), random.pick([5, 100, 5000]));
      const room = random.cut(new Uint8Array((type === T.OUT ? 0 : length) + 1), random.pick([700, 5000]));
      const options = { indirect: random.below(2) === 0 || readable.length > 100 };
      const reply = await queue.submit(
        readable,
        room.map(part => part.length),
        options,
      );
      const where = `seed ${seed}, request ${i}: type ${type} at ${sector} with ${length}`;
      const inside = ranged ? sector + count <= SECTORS : sector * 512 + length <= disk.size && length % 512 === 0;
      const wanted = type === 7 ? S.UNSUPP : (type <= 1 || ranged) && !inside ? S.IOERR : S.OK;
      expect(statusOf(reply), where).toBe(wanted);
      if (wanted !== S.OK) continue;
      if (type === T.OUT) shadow.set(payload, sector * 512);
      if (ranged) shadow.fill(0, sector * 512, (sector + count) * 512);
      if (type === T.IN) {
        const got = Buffer.concat(reply.buffers).subarray(0, length);
        expect(got.equals(shadow.subarray(sector * 512, sector * 512 + length)), where).toBe(true);
        expect(reply.written, where).toBe(length + 1);
      }
    }
    expect(Buffer.from(disk.bytes).equals(shadow)).toBe(true);
    expect(driver?.needsReset).toBeUndefined();
  });

  it('may hand over garbage', async () => {
    const seed = 0xbad;
    const random = new Random(seed);
    for (let i = 0; i < 300; i++) {
      disk = new MemoryDisk(SECTORS * 512);
      const running = await start({ queueSize: 16, memory: 1 << 18 });
      const reply = queue.submit(
        [random.bytes(1 + random.below(40))],
        random.below(4) === 0 ? [] : [1 + random.below(600)],
      );
      await Promise.race([reply, turn()]);
      const outcome = running.needsReset ?? `${statusOf(await reply)}`;
      expect(outcome, `seed ${seed}, round ${i}`).toMatch(/^[012]$|header|status byte/);
      await running.stop();
    }
  });
});

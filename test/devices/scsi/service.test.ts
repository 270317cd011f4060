import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { log } from '../../../src/base/log.ts';
import { cdromModel, QUEUE } from '../../../src/devices/scsi/registers.ts';
import { CdromService } from '../../../src/devices/scsi/service.ts';
import { MockDriver, type MockDriverOptions } from '../../support/mock-driver.ts';
import type { MockQueue } from '../../support/mock-queue.ts';
import { Random } from '../random.ts';
import {
  command,
  type HeaderOptions,
  MemoryMedium,
  notification,
  RESPONSE_SIZE,
  responseOf,
  SENSE_SIZE,
  task,
} from './support.ts';

const BLOCKS = 64;
const config = { kind: 'cdrom', name: 'cdrom0', serial: 'S-1' } as const;
let medium: MemoryMedium;
let service: CdromService;
let driver: MockDriver;
let queue: MockQueue;
let lines: string[];

async function start(options: MockDriverOptions = {}): Promise<void> {
  service = new CdromService(config, medium);
  driver = await MockDriver.start(cdromModel(config), service, options);
  queue = driver.queue(QUEUE.request);
  // The first command hears that the drive was switched on.
  if (!options.queueSize) await send([0]);
}
beforeEach(async () => {
  medium = new MemoryMedium(BLOCKS);
  lines = [];
  log.setSink(line => lines.push(line));
});
afterEach(async () => {
  medium.before = () => {};
  await driver.stop();
});
const send = async (cdb: readonly number[], room = 0, options: HeaderOptions = {}) =>
  responseOf(await queue.submit([command(cdb, options)], room ? [RESPONSE_SIZE, room] : [RESPONSE_SIZE]));
const read = (block: number, count: number, room = count * 2048, id = 0n) =>
  send([0x28, 0, 0, 0, 0, block, 0, 0, count], room, { id });
const control = async (bytes: Uint8Array, room = 1) => {
  const reply = await driver.queue(QUEUE.control).submit([bytes], [room]);
  return [...reply.data];
};
const turn = () => new Promise(resolve => setTimeout(resolve, 5));
/** Lets reads wait for the returned function. */
function gate(): () => void {
  let release = () => {};
  const gate = new Promise<void>(resolve => {
    release = resolve;
  });
  medium.before = () => gate;
  return () => {
    medium.before = () => {};
    release();
  };
}

describe('the CD-ROM drive', () => {
  it('says that it was switched on, then who it is and what is on the medium', async () => {
    service = new CdromService(config, medium);
    driver = await MockDriver.start(cdromModel(config), service);
    queue = driver.queue(QUEUE.request);
    expect(await send([0])).toMatchObject({ status: 2, sense: '06/29/00', senseLength: 18, response: 0 });
    const inquiry = await send([0x12, 0, 0, 0, 36], 36);
    expect(inquiry).toMatchObject({ status: 0, residual: 0, sense: '' });
    expect(Buffer.from(inquiry.data).toString('latin1', 8, 16)).toBe('TSLAUNCH');
    const blocks = await read(3, 2);
    expect(blocks).toMatchObject({ status: 0, response: 0, residual: 0 });
    expect(Buffer.from(blocks.data).equals(medium.bytes.subarray(3 * 2048, 5 * 2048))).toBe(true);
    expect(medium.journal).toEqual(['6144+4096']);
  });

  it('tells how much of the room stayed empty', async () => {
    await start();
    expect(await send([0x12, 0, 0, 0, 255], 255)).toMatchObject({ residual: 219, status: 0 });
    expect(await read(0, 1, 5000)).toMatchObject({ residual: 2952 });
    expect(await read(0, 0, 100)).toMatchObject({ residual: 100, status: 0 });
    expect((await read(BLOCKS, 1)).residual).toBe(2048);
  });

  it('says what is wrong with a command', async () => {
    await start();
    expect(await send([0x2a], 0)).toMatchObject({ status: 2, sense: '05/20/00', response: 0 });
    expect(await read(BLOCKS - 1, 2)).toMatchObject({ status: 2, sense: '05/21/00' });
    expect(await send([0x12, 1, 0x99, 0, 255], 255)).toMatchObject({ status: 2, sense: '05/24/00' });
    expect(medium.journal).toEqual([]);
  });

  it('refuses data that do not fit, and data both ways', async () => {
    await start();
    expect(await read(0, 2, 4095)).toMatchObject({ response: 1 });
    expect(await send([0x25], 7)).toMatchObject({ response: 1 });
    const both = await queue.submit([command([0x12, 0, 0, 0, 36]), new Uint8Array(8)], [RESPONSE_SIZE, 36]);
    expect(responseOf(both)).toMatchObject({ response: 9 });
    const out = await queue.submit([command([0x2a]), new Uint8Array(2048)], [RESPONSE_SIZE]);
    expect(responseOf(out)).toMatchObject({ sense: '05/20/00', residual: 2048 });
    expect(medium.journal).toEqual([]);
  });

  it('is the only target, and the only unit of it', async () => {
    await start();
    expect(await send([0x12, 0, 0, 0, 36], 36, { target: 1 })).toMatchObject({ response: 3, residual: 36 });
    expect(await send([0x12, 0, 0, 0, 36], 36, { format: 2 })).toMatchObject({ response: 3 });
    const absent = await send([0x12, 0, 0, 0, 36], 36, { lun: 1 });
    expect([absent.response, absent.status, absent.data[0]]).toEqual([0, 0, 0x7f]);
    expect(await send([0], 0, { lun: 1 })).toMatchObject({ status: 2, sense: '05/25/00' });
  });

  it('ejects and loads, and holds still while it is locked', async () => {
    await start();
    expect(await send([0x1e, 0, 0, 0, 1])).toMatchObject({ status: 0 });
    expect(await send([0x1b, 0, 0, 0, 2])).toMatchObject({ status: 2, sense: '05/53/02' });
    expect(await send([0x1e])).toMatchObject({ status: 0 });
    expect(await send([0x1b, 0, 0, 0, 2])).toMatchObject({ status: 0 });
    expect(await read(0, 1)).toMatchObject({ status: 2, sense: '02/3A/00' });
    expect(await send([0x1b, 0, 0, 0, 3])).toMatchObject({ status: 0 });
    expect(await read(0, 1)).toMatchObject({ status: 2, sense: '06/28/00' });
    expect(await read(0, 1)).toMatchObject({ status: 0 });
  });

  it('has its tray in again for the next driver', async () => {
    await start();
    await send([0x1b, 0, 0, 0, 2]);
    const saved = service.save();
    expect(saved).toMatchObject({ trayOpen: true });
    await driver.reset();
    driver.negotiate();
    driver.setUp();
    queue = driver.queue(QUEUE.request);
    expect(await send([0])).toMatchObject({ sense: '06/29/00' });
    expect(await send([0])).toMatchObject({ status: 0 });
    service.restore(saved);
    expect(await send([0])).toMatchObject({ sense: '02/3A/00' });
  });

  it('gives the medium back', async () => {
    await start();
    await driver.stop();
    expect(medium.closed).toBe(true);
  });
});

describe('sizes that the driver chose', () => {
  it('count from then on, and not after a reset', async () => {
    await start();
    driver.writeConfig(20, 4, 20);
    driver.writeConfig(24, 4, 6);
    const reply = await queue.submit([command([0xff], { cdbSize: 6 })], [12 + 20]);
    expect(responseOf(reply, 20)).toMatchObject({ senseLength: 18, sense: '05/20/00' });
    await driver.reset();
    driver.negotiate();
    driver.setUp();
    queue = driver.queue(QUEUE.request);
    expect(await send([0])).toMatchObject({ sense: '06/29/00' });
  });

  it.each([
    [20, 65_536, 'sense_size is 65536'],
    [24, 261, 'cdb_size is 261'],
  ])('that are absurd cost it the device', async (offset, value, reason) => {
    await start();
    driver.writeConfig(offset, 4, value);
    await expect.poll(() => driver.needsReset).toContain(reason);
  });
});

describe('a medium that fails', () => {
  it.each([true, false])('costs the guest the command, and the user one line (immediate: %s)', async immediate => {
    await start();
    medium.immediate = immediate;
    medium.before = () => {
      throw Object.assign(new Error('EIO'), { code: 'EIO' });
    };
    for (let i = 0; i < 3; i++)
      expect(await read(0, 1)).toMatchObject({ status: 2, sense: '03/11/00', residual: 2048 });
    expect(lines).toEqual([
      'tslaunch: cdrom0 (memory): a read failed on the host: EIO; the guest sees an I/O error.\n',
    ]);
    medium.before = () => {};
    expect(await read(0, 1)).toMatchObject({ status: 0 });
  });

  it('that ends early is unreadable there, and nothing stale is sold as data', async () => {
    await start();
    medium.end = 3000;
    expect(await read(0, 1)).toMatchObject({ status: 0 });
    const { status, sense, data } = await read(1, 1);
    expect([status, sense, data.length]).toEqual([2, '03/11/00', 0]);
  });
});

describe('commands under way', () => {
  it('run together; others pass them by', async () => {
    await start();
    const release = gate();
    const order: string[] = [];
    const reads = [1, 2, 3].map(block => read(block, 1).then(() => order.push(`read ${block}`)));
    await expect.poll(() => medium.journal.length).toBe(3);
    await send([0]).then(() => order.push('ready'));
    release();
    await Promise.all(reads);
    expect(order[0]).toBe('ready');
    expect(order).toHaveLength(4);
  });

  it('can be asked for and waited for by name', async () => {
    await start();
    expect(await control(task(6, { id: 5n }))).toEqual([0]);
    const release = gate();
    const one = read(1, 1, 2048, 5n);
    await expect.poll(() => medium.journal.length).toBe(1);
    expect(await control(task(6, { id: 5n }))).toEqual([10]);
    expect(await control(task(6, { id: 6n }))).toEqual([0]);
    expect(await control(task(7))).toEqual([10]);
    expect(await control(task(0, { id: 6n }))).toEqual([0]);
    const order: string[] = [];
    const aborted = control(task(0, { id: 5n })).then(response => order.push(`abort ${response}`));
    await turn();
    expect(order).toEqual([]);
    release();
    await Promise.all([aborted, one.then(() => order.push('read'))]);
    expect(order.sort()).toEqual(['abort 0', 'read']);
    expect(await control(task(7))).toEqual([0]);
  });

  it('end before a reset of the drive does', async () => {
    await start();
    await send([0x1e, 0, 0, 0, 1]);
    const release = gate();
    const one = read(1, 1);
    await expect.poll(() => medium.journal.length).toBe(1);
    const reset = control(task(5));
    await turn();
    release();
    expect([await reset, (await one).status]).toEqual([[0], 0]);
    expect(await send([0])).toMatchObject({ sense: '06/29/03' });
    // The lock is gone.
    expect(await send([0x1b, 0, 0, 0, 2])).toMatchObject({ status: 0 });
    expect(await control(task(4))).toEqual([0]);
    expect(await send([0x12, 0, 0, 0, 36], 36)).toMatchObject({ status: 0 });
    expect(await send([0])).toMatchObject({ sense: '06/29/07' });
  });

  it('end before the loop does', async () => {
    await start();
    const release = gate();
    void read(1, 1);
    await turn();
    let stopped = false;
    const stop = driver.stop().then(() => {
      stopped = true;
    });
    await turn();
    expect([stopped, medium.closed]).toEqual([false, false]);
    release();
    await stop;
    expect(medium.closed).toBe(true);
  });
});

describe('the control and event queues', () => {
  it('reject what is not done here, and who is not here', async () => {
    await start();
    expect(await control(task(1))).toEqual([0]);
    expect(await control(task(3))).toEqual([0]);
    expect(await control(task(2))).toEqual([11]);
    expect(await control(task(99))).toEqual([11]);
    expect(await control(task(5, { lun: 1 }))).toEqual([12]);
    expect(await control(task(5, { target: 1 }))).toEqual([3]);
  });

  it('offer no notifications', async () => {
    await start();
    for (const type of [1, 2]) expect(await control(notification(type), 5)).toEqual([0, 0, 0, 0, 0]);
    expect(await control(notification(2, { target: 2 }), 5)).toEqual([0, 0, 0, 0, 3]);
  });

  it('keep the buffers for events, and let go of them', async () => {
    await start();
    for (let i = 0; i < 8; i++) void driver.queue(QUEUE.event).submit([], [16]);
    expect(await send([0])).toMatchObject({ status: 0 });
    expect(driver.queue(QUEUE.event).inFlight).toBe(8);
    await driver.reset();
    expect(driver.needsReset).toBeUndefined();
  });

  it.each([
    ['control', QUEUE.control, [task(0).subarray(0, 9)], [1], 'cut off'],
    ['control', QUEUE.control, [task(0)], [], 'no room'],
    ['request', QUEUE.request, [command([0]).subarray(0, 40)], [RESPONSE_SIZE], 'header'],
    ['request', QUEUE.request, [command([0])], [RESPONSE_SIZE - 1], 'no room for its response'],
  ])('a mistake on the %s queue costs the device', async (_name, index, readable, writable, reason) => {
    await start();
    void driver.queue(index).submit(readable, writable);
    await expect.poll(() => driver.needsReset).toContain(reason);
  });
});

describe('a driver that does anything', () => {
  it('gets what the medium holds, whatever the layout', async () => {
    const seed = 0x5c51;
    const random = new Random(seed);
    await start();
    for (let i = 0; i < 500; i++) {
      medium.immediate = random.below(2) === 0;
      const block = random.below(BLOCKS + 3);
      const count = random.below(6);
      const room = random.pick([count * 2048, count * 2048 + 100, Math.max(count * 2048 - 1, 0)]);
      const cdb = random.pick([
        [0x28, 0, 0, 0, 0, block, 0, 0, count],
        [0xa8, 0, 0, 0, 0, block, 0, 0, 0, count],
        [0x88, 0, 0, 0, 0, 0, 0, 0, 0, block, 0, 0, 0, count],
      ]);
      const readable = random.cut(command(cdb), random.pick([3, 60]));
      const writable = random.cut(new Uint8Array(RESPONSE_SIZE + room), random.pick([900, 20_000]));
      const indirect = random.below(2) === 0 || readable.length + writable.length > 100;
      const reply = await queue.submit(
        readable,
        writable.map(part => part.length),
        { indirect },
      );
      const got = responseOf(reply);
      const where = `seed ${seed}, command ${i}: block ${block}, count ${count}, room ${room}`;
      if (block >= BLOCKS || block + count > BLOCKS) expect(got.sense, where).toBe('05/21/00');
      else if (room < count * 2048) expect(got.response, where).toBe(1);
      else {
        expect([got.status, got.residual], where).toEqual([0, room - count * 2048]);
        const expected = medium.bytes.subarray(block * 2048, (block + count) * 2048);
        expect(Buffer.from(got.data).equals(expected), where).toBe(true);
      }
    }
    expect(driver.needsReset).toBeUndefined();
  });

  it('may hand over garbage', async () => {
    const seed = 0xca5e;
    const random = new Random(seed);
    for (let i = 0; i < 400; i++) {
      medium = new MemoryMedium(4);
      await start({ queueSize: 16, memory: 1 << 18 });
      const index = random.pick([QUEUE.control, QUEUE.request]);
      const bytes = random.bytes(1 + random.below(80));
      if (random.below(2) === 0) bytes.set(command([random.below(256)]).subarray(0, Math.min(bytes.length, 20)));
      const room = random.pick([[], [1], [5], [RESPONSE_SIZE], [RESPONSE_SIZE, random.below(9000) + 1]]);
      const reply = driver.queue(index).submit([bytes], room);
      await Promise.race([reply, turn()]);
      const outcome = driver.needsReset ?? `answered ${(await reply).written}`;
      expect(outcome, `seed ${seed}, round ${i}`).toMatch(/^answered \d+$|header|response|known type|cut off|no room/);
      await driver.stop();
    }
    expect(SENSE_SIZE).toBe(96);
  });
});

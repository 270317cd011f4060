import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { log } from '../../../src/base/log.ts';
import { Random } from '../random.ts';
import { frame } from './memory-wire.ts';
import { BROADCAST, bits, GUEST, MRG_RXBUF, NetDriver, type NetSetUp, PEER } from './support.ts';

let net: NetDriver;
let lines: string[];
const start = async (options: NetSetUp = {}) => {
  net = await NetDriver.start(options);
  return net;
};
beforeEach(() => {
  lines = [];
  log.setSink(line => lines.push(line));
});
afterEach(() => net.stop());
const turn = () => new Promise(resolve => setTimeout(resolve, 5));
const numBuffers = (data: Uint8Array) => data[10]! | (data[11]! << 8);

describe('a frame to send', () => {
  it('goes out with its header unchanged, however it is cut', async () => {
    await start();
    const header = Uint8Array.of(1, 1, 54, 0, 180, 5, 34, 0, 16, 0, 0, 0);
    const bytes = frame(PEER, GUEST, new Random(1).bytes(300));
    await net.send(bytes, header);
    const all = Uint8Array.from([...header, ...bytes]);
    await net.transmitQueue().submit([all]);
    await net
      .transmitQueue()
      .submit([all.subarray(0, 5), all.subarray(5, 20), all.subarray(20)], [], { indirect: true });
    expect(net.wire.port.outgoing).toEqual([all, all, all]);
    expect(net.service.statistics).toMatchObject({ sent: 3, sentBytes: 3 * bytes.length });
  });

  it.each([
    ['without a whole header', 11, 'short'],
    ['without bytes', 12, 'short'],
    ['shorter than an Ethernet header', 12 + 13, 'short'],
    ['longer than IP can be', 12 + 14 + 4 + 65536, 'long'],
  ])('%s is dropped and counted, and the queue goes on', async (_what, length, reason) => {
    await start();
    expect((await net.transmitQueue().submit([new Uint8Array(length)])).written).toBe(0);
    await net.send(frame(PEER, GUEST));
    expect(net.drops).toEqual({ [reason]: 1 });
    expect(net.wire.port.outgoing).toHaveLength(1);
    expect(net.driver.needsReset).toBeUndefined();
  });

  it.each(['refused', 'down', 'busy'] as const)('that the host finds %s is counted', async result => {
    await start();
    net.wire.port.results = [result];
    await net.send(frame(PEER, GUEST));
    await net.send(frame(PEER, GUEST));
    expect(net.drops).toEqual({ [result]: 1 });
    expect(net.service.statistics.sent).toBe(1);
  });

  it('in more pieces than a system call takes goes out in one', async () => {
    await start();
    const pieces = Array.from({ length: 12 }, () => new Uint8Array(1));
    const rest = Array.from({ length: 1010 }, (_, i) => Uint8Array.of(i));
    await net.transmitQueue().submit([...pieces, ...rest], [], { indirect: true });
    expect(net.wire.port.outgoing[0]).toHaveLength(1022);
  });

  it('is done, and its buffers are back, although the next one is a mistake', async () => {
    await start();
    for (const n of [1, 2, 3]) void net.send(frame(PEER, GUEST, Uint8Array.of(n)));
    void net.transmitQueue().submit([new Uint8Array(80)], [4]);
    await turn();
    expect(net.wire.port.outgoing).toHaveLength(3);
    expect(net.transmitQueue().usedIdx).toBe(3);
    expect(net.driver.needsReset).toMatch(/device-writable/);
  });

  it('costs one interrupt for many', async () => {
    await start();
    const many = Array.from({ length: 100 }, (_, i) => frame(PEER, GUEST, Uint8Array.of(i, ...new Uint8Array(45))));
    await Promise.all(many.map(bytes => net.send(bytes)));
    expect(net.wire.port.outgoing.map(bytes => bytes[12 + 14])).toEqual(many.map((_, i) => i));
    expect(net.driver.interrupts.ofQueue(1)).toBeLessThan(20);
  });
});

describe('a frame that arrives', () => {
  it.each([
    ['in one part', [2048]],
    ['in a part for the header and others', [12, 14, 2000]],
    ['in parts that cut the header', [5, 6, 3, 2000]],
    ['without mergeable buffers', [12, 65550], bits(5)],
  ])('lies in the buffer, %s', async (_what, lengths, features?: bigint) => {
    await start(features === undefined ? {} : { features });
    const bytes = frame(GUEST, PEER, new Random(2).bytes(700));
    const received = net.receive(...lengths);
    net.wire.port.put(bytes);
    const { data, written } = await received;
    expect(written).toBe(12 + bytes.length);
    expect(numBuffers(data)).toBe(1);
    expect(data.subarray(12)).toEqual(bytes);
  });

  it('keeps the header of the host, but for flags that the driver has not agreed to', async () => {
    await start();
    const header = Uint8Array.of(2, 1, 54, 0, 180, 5, 34, 0, 16, 0);
    let received = net.receive();
    net.wire.port.put(frame(GUEST, PEER), header);
    expect((await received).data.subarray(0, 12)).toEqual(Uint8Array.of(...header, 1, 0));
    await net.stop();
    await start({ features: bits(MRG_RXBUF) });
    received = net.receive();
    net.wire.port.put(frame(GUEST, PEER), header);
    expect((await received).data[0]).toBe(0);
  });

  it('spans buffers where the driver agreed, and tells how many', async () => {
    await start();
    const bytes = frame(GUEST, PEER, new Random(3).bytes(5000));
    const received = Array.from({ length: 8 }, () => net.receive(1500));
    net.wire.port.put(bytes);
    const parts = await Promise.all(received.slice(0, 4));
    expect(parts.map(({ written }) => written)).toEqual([1500, 1500, 1500, 12 + 5014 - 4500]);
    expect(numBuffers(parts[0]!.data)).toBe(4);
    expect(Buffer.concat(parts.map(({ data }) => data)).subarray(12)).toEqual(Buffer.from(bytes));
    expect(net.receiveQueue().inFlight).toBe(4);
  });

  it('of the greatest length comes through, first and again', async () => {
    await start();
    const bytes = frame(GUEST, PEER, new Random(4).bytes(65_535));
    for (let n = 0; n < 3; n++) {
      const received = Array.from({ length: 44 }, () => net.receive(1526));
      net.wire.port.put(bytes);
      const parts = await Promise.all(received.slice(0, 43));
      expect(Buffer.concat(parts.map(({ data }) => data)).subarray(12)).toEqual(Buffer.from(bytes));
      await net.driver.reset();
      net.driver.negotiate();
      net.driver.setUp();
      await turn();
    }
  });

  it('is dropped when one buffer must do and does not, and the buffer serves the next', async () => {
    await start({ features: bits(5) });
    const received = net.receive(12, 200);
    net.wire.port.put(frame(GUEST, PEER, new Uint8Array(1000)));
    net.wire.port.put(frame(GUEST, PEER, Uint8Array.of(42)));
    expect((await received).data[12 + 14]).toBe(42);
    expect(net.drops).toEqual({ full: 1 });
  });

  it('waits for more buffers, and comes whole', async () => {
    await start();
    const bytes = frame(GUEST, PEER, new Random(5).bytes(4000));
    const first = net.receive(1500);
    net.wire.port.put(bytes);
    await turn();
    expect(net.receiveQueue().inFlight).toBe(1);
    const rest = [net.receive(1500), net.receive(1500)];
    const parts = await Promise.all([first, ...rest]);
    expect(Buffer.concat(parts.map(({ data }) => data)).subarray(12)).toEqual(Buffer.from(bytes));
    expect(net.drops).toEqual({});
  });

  it('that waits in vain is dropped, so that the buffers serve others', async () => {
    await start();
    const received = net.receive(1500);
    net.wire.port.put(frame(GUEST, PEER, new Uint8Array(4000)));
    net.wire.port.put(frame(GUEST, PEER, Uint8Array.of(43)));
    expect((await received).data[12 + 14]).toBe(43);
    expect(net.drops).toEqual({ full: 1 });
  });

  it('is left to the host while the guest has no buffers', async () => {
    await start();
    await turn();
    net.wire.port.reads = 0;
    for (let n = 0; n < 3; n++) net.wire.port.put(frame(GUEST, PEER, Uint8Array.of(n)));
    await turn();
    expect([net.wire.port.reads, net.wire.port.listener]).toEqual([0, undefined]);
    expect((await net.receive()).data[26]).toBe(0);
    expect(net.wire.port.incoming).toHaveLength(2);
  });

  it('costs one interrupt for many, and loses none in order', async () => {
    await start();
    const received = Array.from({ length: 200 }, () => net.receive(1526));
    for (let n = 0; n < 200; n++) net.wire.port.put(frame(GUEST, PEER, Uint8Array.of(n)));
    expect((await Promise.all(received)).map(({ data }) => data[26])).toEqual(received.map((_, n) => n));
    expect(net.driver.interrupts.ofQueue(0)).toBeLessThan(20);
  });

  it('before there was a driver is thrown away', async () => {
    await start();
    await net.driver.reset();
    net.wire.port.put(frame(GUEST, PEER, Uint8Array.of(1)));
    net.driver.negotiate();
    net.driver.setUp();
    const received = net.receive();
    await turn();
    net.wire.port.put(frame(GUEST, PEER, Uint8Array.of(2)));
    expect((await received).data[26]).toBe(2);
  });
});

describe('a driver that breaks the rules', () => {
  it.each([
    [
      'a part to write in a frame to send',
      () => net.transmitQueue().submit([new Uint8Array(64)], [8]),
      'device-writable',
    ],
    [
      'a part to read in a receive buffer',
      () => net.receiveQueue().submit([new Uint8Array(8)], [2000]),
      'device-readable',
    ],
    ['a receive buffer without room for a header', () => net.receive(11), 'no room'],
    ['a command of one byte', () => net.driver.queue(2).submit([Uint8Array.of(1)], [1]), 'shorter'],
    ['a command without room for an answer', () => net.driver.queue(2).submit([Uint8Array.of(0, 0, 1)]), 'answer'],
  ])('with %s loses its device, and has it again after a reset', async (_what, mistake, reason) => {
    await start();
    void mistake();
    await expect.poll(() => net.driver.needsReset).toContain(reason);
    expect(lines).toHaveLength(1);
    await net.driver.reset();
    net.driver.negotiate();
    net.driver.setUp();
    await net.send(frame(PEER, GUEST));
    const received = net.receive();
    net.wire.port.put(frame(GUEST, PEER));
    expect((await received).written).toBe(12 + 60);
  });

  it.each([
    ['an address outside RAM', 0xffff_f000n, 64, 0],
    ['a loop', 0x1000n, 64, 1],
    ['a length beyond RAM', 0x1000n, 0xffff_fff0, 0],
  ])('with %s in either direction loses its device', async (_what, address, length, flags) => {
    for (const [queue, write] of [
      [0, 2],
      [1, 0],
    ] as const) {
      await start();
      const mock = net.driver.queue(queue);
      mock.writeDescriptor(0, address, length, flags | write, 0);
      mock.offer(0);
      mock.kick(true);
      await expect.poll(() => net.driver.needsReset).toBeDefined();
      await net.stop();
    }
  });

  it('kicks a queue that does not exist, and one before DRIVER_OK, for nothing', async () => {
    await start();
    await net.driver.reset();
    net.driver.negotiate();
    const notify = net.driver.registers.capability('notify').offset;
    for (const index of [0, 1, 2, 3, 500]) net.driver.registers.write(notify + 4 * index, 2, index);
    const early = net.driver.enableQueue(1);
    void early.submit([new Uint8Array(74)]);
    await turn();
    expect(net.wire.port.outgoing).toEqual([]);
    await net.driver.reset();
    net.driver.negotiate();
    net.driver.setUp();
    await net.send(frame(PEER, GUEST));
    expect(net.driver.needsReset).toBeUndefined();
  });

  it('is no match for the device, whatever it puts in its rings', async () => {
    const seed = 0x6e65_7430;
    const random = new Random(seed);
    await start();
    for (let round = 0; round < 150; round++) {
      const queue = net.driver.queue(random.below(3));
      // What comes back for such chains concerns nobody.
      for (const each of net.driver.queues) each.silence(true);
      for (let d = 0; d < 4; d++) {
        const address = random.pick([0n, 0x1000n, 0x8000n, 0xfff_ff00n, 0x1_0000_0000n, 0xffff_ffff_ffff_ffffn]);
        const length = random.pick([0, 1, 11, 12, 13, 64, 1526, 65_600, 0xffff_ffff]);
        queue.writeDescriptor(d, address, length, random.below(8), random.below(6));
      }
      queue.offer(random.below(4));
      queue.kick(true);
      if (random.below(3) === 0) net.wire.port.put(frame(BROADCAST, PEER, random.bytes(1 + random.below(3000))));
      await new Promise(resolve => setImmediate(resolve));
      if (net.driver.needsReset === undefined && random.below(4) > 0) continue;
      await net.driver.reset();
      net.wire.port.incoming.length = 0;
      net.driver.negotiate();
      net.driver.setUp();
      net.wire.port.outgoing.length = 0;
      await net.send(frame(PEER, GUEST));
      const received = net.receive();
      await turn();
      net.wire.port.put(frame(GUEST, PEER));
      expect((await received).written, `seed ${seed}, round ${round}`).toBe(72);
      expect(net.wire.port.outgoing, `seed ${seed}, round ${round}`).toHaveLength(1);
    }
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { log } from '../../../src/base/log.ts';
import type { Reply } from '../../support/mock-queue.ts';
import { Random } from '../random.ts';
import { frame } from './memory-wire.ts';
import { BROADCAST, bits, GUEST, NetDriver, type NetSetUp, PEER } from './support.ts';

const OTHER = '02:00:00:00:00:99';
const MULTICAST = '33:33:00:00:00:01';
const OK = 0;
const ERR = 1;
const bytes = (mac: string) => mac.split(':').map(part => Number.parseInt(part, 16));
const table = (...macs: string[]) => [macs.length, 0, 0, 0, ...macs.flatMap(bytes)];

let net: NetDriver;
const start = async (options: NetSetUp = {}) => {
  net = await NetDriver.start(options);
  waiting = [];
  return net;
};
beforeEach(() => log.setSink(() => {}));
afterEach(() => net.stop());

/** Buffers that the guest has given and got nothing for. */
let waiting: Promise<Reply>[] = [];

/** Which of these destinations get through to the guest. */
async function heard(destinations: readonly string[], tag: number[] = []): Promise<string[]> {
  const marker = frame(BROADCAST, PEER, Uint8Array.of(1), 0x0806);
  while (waiting.length <= destinations.length) waiting.push(net.receive());
  for (const to of destinations) net.wire.port.put(withTag(frame(to, PEER), tag));
  net.wire.port.put(marker);
  const texts: string[] = [];
  for (;;) {
    const { data } = (await waiting.shift())!;
    if (data[12 + 12] === 0x08) return texts;
    texts.push([...data.subarray(12, 18)].map(byte => byte.toString(16).padStart(2, '0')).join(':'));
  }
}
const withTag = (from: Uint8Array, tag: number[]) =>
  Uint8Array.from([...from.subarray(0, 12), ...tag, ...from.subarray(12)]);

describe('receive modes', () => {
  const all = [GUEST, OTHER, MULTICAST];

  it('are promiscuous until the driver says otherwise', async () => {
    await start();
    expect(await heard(all)).toEqual(all);
    expect(await net.control(0, 0, [0])).toBe(OK);
    expect(await heard(all)).toEqual([GUEST]);
    expect(await net.control(0, 0, [1])).toBe(OK);
    expect(await heard(all)).toEqual(all);
    expect(net.drops).toEqual({ filtered: 2 });
  });

  it.each([
    ['all multicast', 1, [GUEST, MULTICAST]],
    ['all unicast', 2, [GUEST, OTHER]],
    ['no unicast', 4, []],
  ])('know %s', async (_what, command, expected) => {
    await start();
    await net.control(0, 0, [0]);
    expect(await net.control(0, command, [1])).toBe(OK);
    expect(await heard(all)).toEqual(expected);
    expect(await net.control(0, command, [0])).toBe(OK);
    expect(await heard(all)).toEqual([GUEST]);
  });

  it('know no multicast, over a table that has it', async () => {
    await start();
    await net.control(0, 0, [0]);
    expect(await net.control(1, 0, [...table(OTHER), ...table(MULTICAST)])).toBe(OK);
    expect(await heard(all)).toEqual(all);
    expect(await net.control(0, 3, [1])).toBe(OK);
    expect(await heard(all)).toEqual([GUEST, OTHER]);
  });

  it('filter a frame whose addresses are cut by buffers', async () => {
    await start();
    await net.control(0, 0, [0]);
    const received = net.receive(12, 3, 5, 2000);
    net.wire.port.put(frame(OTHER, PEER));
    net.wire.port.put(frame(GUEST, PEER, Uint8Array.of(7)));
    expect((await received).data[26]).toBe(7);
  });

  it('are forgotten at a reset', async () => {
    await start();
    await net.control(0, 0, [0]);
    await net.driver.reset();
    net.driver.negotiate();
    net.driver.setUp();
    waiting = [];
    await net.control(0, 1, [0]);
    expect(await heard(all)).toEqual(all);
  });
});

describe('tables of addresses', () => {
  it('that are too long to keep mean all', async () => {
    await start();
    await net.control(0, 0, [0]);
    const many = Array.from(
      { length: 300 },
      (_, i) => `06:00:00:00:${(i >> 8).toString(16)}:${(i & 0xff).toString(16)}`,
    );
    const count = [300 & 0xff, 300 >> 8, 0, 0];
    expect(await net.control(1, 0, [...count, ...many.flatMap(bytes), ...table()])).toBe(OK);
    expect(await heard([OTHER, MULTICAST])).toEqual([OTHER]);
  });

  it.each([
    ['no second table', table(OTHER)],
    ['half an address', [1, 0, 0, 0, 2, 2, 2]],
    ['more entries than bytes', [255, 255, 255, 255, ...new Array(60).fill(0)]],
    ['nothing', []],
  ])('with %s are refused and change nothing', async (_what, data) => {
    await start();
    await net.control(0, 0, [0]);
    expect(await net.control(1, 0, data)).toBe(ERR);
    expect(await heard([GUEST, OTHER])).toEqual([GUEST]);
  });
});

describe('the address', () => {
  it('is set by a command, and the configuration shows it', async () => {
    await start();
    await net.control(0, 0, [0]);
    expect(await net.control(1, 1, bytes(OTHER))).toBe(OK);
    expect([...net.driver.readConfig().subarray(0, 6)]).toEqual(bytes(OTHER));
    expect(await heard([GUEST, OTHER])).toEqual([OTHER]);
    await net.driver.reset();
    expect([...net.driver.readConfig().subarray(0, 6)]).toEqual(bytes(GUEST));
  });

  it('is written to the configuration byte by byte by others', async () => {
    await start({ features: ~(1n << 23n) });
    await net.control(0, 0, [0]);
    bytes(OTHER).forEach((byte, i) => void net.driver.writeConfig(i, 1, byte));
    await expect.poll(async () => (await heard([GUEST, OTHER]))[0]).toBe(OTHER);
  });

  it('of five bytes is refused', async () => {
    await start();
    expect(await net.control(1, 1, bytes(OTHER).slice(1))).toBe(ERR);
  });
});

describe('VLANs', () => {
  const vlan = (id: number) => [0x81, 0, id >> 8, id & 0xff];

  it('pass once they were added, and frames without a tag always', async () => {
    await start();
    await net.control(0, 0, [0]);
    expect(await heard([GUEST], vlan(5))).toEqual([]);
    expect(await net.control(2, 0, [5, 0])).toBe(OK);
    expect(await heard([GUEST], vlan(5))).toEqual([GUEST]);
    expect(await heard([GUEST], vlan(6))).toEqual([]);
    expect(await net.control(2, 1, [5, 0])).toBe(OK);
    expect(await heard([GUEST], vlan(5))).toEqual([]);
    expect(await heard([GUEST])).toEqual([GUEST]);
    expect(await net.control(2, 0, [0, 16])).toBe(ERR);
  });

  it('all pass where the driver does not filter', async () => {
    await start({ features: ~(1n << 19n) });
    await net.control(0, 0, [0]);
    expect(await heard([GUEST], vlan(5))).toEqual([GUEST]);
    expect(await net.control(2, 0, [5, 0])).toBe(ERR);
  });
});

describe('offloads', () => {
  it('are those that the driver negotiated, then those that it asks for', async () => {
    await start();
    const negotiated = net.driver.features & (bits(1, 7, 8, 9, 54, 55) & ~bits());
    expect(net.wire.guestOffloads).toBe(negotiated);
    expect(await net.control(5, 0, [0x82, 0, 0, 0, 0, 0, 0, 0])).toBe(OK);
    expect(net.wire.guestOffloads).toBe(0x82n);
    expect(await net.control(5, 0, [0x02, 0x04, 0, 0, 0, 0, 0, 0])).toBe(ERR);
    expect(net.wire.guestOffloads).toBe(0x82n);
    await net.driver.reset();
    expect(net.wire.guestOffloads).toBe(0n);
  });
});

describe('queue pairs', () => {
  it('are one until the driver wants more, and each has its port', async () => {
    await start({ config: { queuePairs: 2 } });
    expect(net.wire.pairs).toBe(1);
    expect(await net.control(4, 0, [2, 0])).toBe(OK);
    expect(net.wire.pairs).toBe(2);
    for (const count of [0, 3]) expect(await net.control(4, 0, [count, 0])).toBe(ERR);
    const received = net.receiveQueue(1).submit([], [2048]);
    net.wire.ports[1]!.put(frame(GUEST, PEER));
    expect((await received).written).toBe(72);
    await net.transmitQueue(1).submit([new Uint8Array(12), frame(PEER, GUEST)]);
    expect(net.wire.ports.map(port => port.outgoing.length)).toEqual([0, 1]);
  });

  it('are one for a driver without MQ, whose control queue is the third', async () => {
    await start({ config: { queuePairs: 2 }, features: ~(1n << 22n) });
    expect(await net.control(0, 0, [0])).toBe(OK);
    expect(await net.control(4, 0, [2, 0])).toBe(ERR);
  });
});

describe('commands', () => {
  it('that do not exist or were not negotiated are refused', async () => {
    await start({ features: ~(1n << 18n) });
    for (const [kind, command] of [
      [0, 0],
      [1, 0],
      [0, 6],
      [9, 0],
    ]) {
      expect(await net.control(kind!, command!, [1])).toBe(ERR);
    }
  });

  it('of any content are answered', async () => {
    const seed = 0xc0_4731;
    const random = new Random(seed);
    await start({ config: { queuePairs: 2 } });
    for (let n = 0; n < 300; n++) {
      const answer = await net.control(random.below(7), random.below(7), random.bytes(random.below(40)));
      expect([OK, ERR], `seed ${seed}, command ${n}`).toContain(answer);
    }
    expect(net.driver.needsReset).toBeUndefined();
  });
});

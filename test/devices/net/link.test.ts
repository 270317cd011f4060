import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { log } from '../../../src/base/log.ts';
import type { FrameFilter, Interceptor } from '../../../src/devices/net/config.ts';
import { frame } from './memory-wire.ts';
import { BROADCAST, bits, GUEST, NetDriver, type NetSetUp, PEER } from './support.ts';

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
const status = () => net.driver.readConfig()[6]!;

describe('the link', () => {
  it('is up, goes down and up again, and the driver hears of it', async () => {
    await start();
    expect(status()).toBe(1);
    net.wire.setLink(false);
    await expect.poll(() => net.driver.configInterrupts).toBe(1);
    expect(status()).toBe(0);
    expect(lines).toEqual(['tslaunch: net0: wire0 is down.\n']);
    net.wire.setLink(true);
    await expect.poll(() => net.driver.configInterrupts).toBe(2);
    // Up, and the guest is asked to tell the network where it is.
    expect(status()).toBe(3);
    expect(await net.control(3, 0)).toBe(0);
    expect(status()).toBe(1);
  });

  it('asks no driver to announce anything that cannot', async () => {
    await start({ features: ~(1n << 21n) });
    net.wire.setLink(false);
    net.wire.setLink(true);
    expect(status()).toBe(1);
  });

  it('that has changed while no driver was there is right for the next one', async () => {
    await start();
    await net.driver.reset();
    net.wire.setLink(false);
    net.driver.negotiate();
    net.driver.setUp();
    await expect.poll(status).toBe(0);
  });

  it('of a wire that leads nowhere loses what is sent, and nothing else happens', async () => {
    const { noWire } = await import('../../../src/devices/net/backend.ts');
    await start({ parts: { wire: noWire(1) }, config: { linkUp: false } });
    expect(status()).toBe(0);
    await net.send(frame(PEER, GUEST));
    expect(net.drops).toEqual({ down: 1 });
    expect(lines).toEqual([]);
  });
});

describe('features', () => {
  it('that lack what they build on are refused', async () => {
    await start();
    for (const [alone, needs] of [
      [7, 1],
      [8, 1],
      [11, 0],
      [12, 0],
      [54, 1],
      [56, 0],
      [18, 17],
      [21, 17],
      [23, 17],
    ] as const) {
      await net.driver.reset();
      expect(net.driver.negotiate(bits(alone)), `${alone}`).toBe(false);
      await net.driver.reset();
      expect(net.driver.negotiate(bits(alone, needs)), `${alone} with ${needs}`).toBe(true);
    }
    await net.driver.reset();
    expect(net.driver.negotiate(bits(0, 13))).toBe(false);
    await net.driver.reset();
    expect(net.driver.negotiate(bits(0, 12, 13))).toBe(true);
  });

  it('offered follow the wire and the option', async () => {
    await start({ config: { offloads: { tcp: false, udp: false } } });
    expect(net.driver.offered & bits(0, 1, 7, 8, 11, 12, 54, 56, 3, 22)).toBe(bits());
    await net.stop();
    await start({ config: { mtu: 9000, queuePairs: 4 } });
    expect(net.driver.offered & bits(3, 22)).toBe(bits(3, 22));
    const config = net.driver.readConfig();
    expect([config[8], config[10]! | (config[11]! << 8)]).toEqual([4, 9000]);
  });
});

describe('frames that the launcher looks at', () => {
  /** Odd last bytes of addresses pass. */
  const lock: FrameFilter = {
    fromGuest: head => (head[11]! & 1) === 1,
    toGuest: head => (head[0]! & 1) === 1 || (head[5]! & 1) === 1,
  };

  it('pass where the filter lets them, and the guest sees no byte of the others', async () => {
    await start({ parts: { lock } });
    await net.send(frame(PEER, PEER));
    await net.send(frame(PEER, GUEST));
    expect(net.wire.port.outgoing).toHaveLength(1);
    const received = net.receive();
    const { memory } = net.driver;
    net.wire.port.put(frame(PEER, GUEST, new Uint8Array(600).fill(0xee)));
    await expect.poll(() => net.drops).toEqual({ lockedOut: 1, lockedIn: 1 });
    expect(memory.regions[0]!.bytes.includes(0xee)).toBe(false);
    net.wire.port.put(frame(BROADCAST, PEER));
    expect((await received).written).toBe(72);
  });

  it('are answered where the interceptor does, in order with what is on the wire', async () => {
    const interceptor: Interceptor = {
      wants: head => head[12] === 0x12,
      answer: bytes => (bytes[14] === 1 ? frame(GUEST, PEER, Uint8Array.of(9)) : bytes[14] === 2 ? 'drop' : undefined),
    };
    await start({ parts: { interceptor } });
    const received = [net.receive(), net.receive()];
    for (const n of [1, 2, 3]) await net.send(frame(PEER, GUEST, Uint8Array.of(n), 0x1234));
    const { data } = await received[0]!;
    expect([data[26], data[10]]).toEqual([9, 1]);
    net.wire.port.put(frame(GUEST, PEER, Uint8Array.of(10)));
    expect((await received[1]!).data[26]).toBe(10);
    expect(net.wire.port.outgoing).toHaveLength(1);
    expect(net.service.counters()).toMatchObject({
      'frames answered by the launcher': 1,
      'dropped, sent to the launcher itself and not understood': 1,
      'frames sent': 1,
      'frames received': 2,
    });
  });
});

describe('a snapshot', () => {
  it('keeps modes, pairs and offloads, and asks the guest to announce itself', async () => {
    await start({ config: { queuePairs: 2 } });
    await net.control(0, 0, [0]);
    await net.control(4, 0, [2, 0]);
    await net.control(5, 0, [2, 0, 0, 0, 0, 0, 0, 0]);
    const saved = JSON.parse(JSON.stringify(net.service.save()));
    await net.driver.runner.stop();
    net.service.restore(saved);
    net.driver.runner.start();
    await expect.poll(() => net.wire.pairs).toBe(2);
    expect(net.wire.guestOffloads).toBe(2n);
    expect(status()).toBe(3);
    const received = net.receive();
    net.wire.port.put(frame(PEER, GUEST));
    net.wire.port.put(frame(GUEST, PEER, Uint8Array.of(1)));
    expect((await received).data[26]).toBe(1);
  });

  it.each([
    undefined,
    7,
    'x',
    { pairs: 99, offloads: 'z', filter: { modes: 3, mac: 'x' } },
    { filter: { unicast: [{}] } },
  ])('that says %j does no harm', async state => {
    await start();
    await net.driver.runner.stop();
    net.service.restore(state);
    net.driver.runner.start();
    await net.send(frame(PEER, GUEST));
    expect(net.wire.pairs).toBe(1);
  });

  it('waits for nothing: a pause takes effect while frames come', async () => {
    await start();
    const received = net.receive();
    await net.driver.runner.pause();
    net.wire.port.put(frame(GUEST, PEER));
    await new Promise(resolve => setTimeout(resolve, 5));
    expect(net.receiveQueue().inFlight).toBe(1);
    net.driver.runner.resume();
    expect((await received).written).toBe(72);
  });
});

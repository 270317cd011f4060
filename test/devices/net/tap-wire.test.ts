import { createSocket } from 'node:dgram';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { HostError, UsageError } from '../../../src/base/errors.ts';
import type { NetOption, NetWire } from '../../../src/devices/net/config.ts';
import { F } from '../../../src/devices/net/registers.ts';
import { TapWire } from '../../../src/devices/net/tap-wire.ts';
import { enterOwnNetwork, ip, whyNoNetwork } from '../../support/network-namespace.ts';
import { frame } from './memory-wire.ts';

const option = (wire: NetWire, more: Partial<NetOption> = {}): NetOption =>
  ({ ...wire, locked: false, queues: 1, ...more }) as NetOption;
const ADDRESS: NetWire = { kind: 'address', address: { ip: '10.1.2.1', prefix: 24 } };
const names = () => [...ip('-o link').matchAll(/^\d+: ([^:@]+)/gm)].map(([, name]) => name);
const errorOf = (open: () => TapWire) => {
  try {
    open().close();
  } catch (error) {
    return error as HostError;
  }
  return undefined;
};

describe.skipIf(whyNoNetwork())('a tap as a wire', () => {
  let wire: TapWire | undefined;
  let news: string[];
  const open = (wanted: NetOption, address?: { ip: string; prefix: number }) => {
    wire = TapWire.open(wanted, address);
    wire.onChange(line => news.push(line));
    return wire;
  };
  beforeAll(() => {
    enterOwnNetwork();
    ip('link add br0 type bridge');
  });
  beforeEach(() => {
    news = [];
  });
  afterEach(() => {
    wire?.close();
    wire = undefined;
    expect(names().filter(name => name?.startsWith('tslaunch'))).toEqual([]);
  });

  it('is made, addressed, brought up, and gone at the end', () => {
    const { label, mtu, linkUp, offloads } = open(option(ADDRESS, { mtu: 1400 }));
    expect([label, mtu, linkUp, offloads.tcp]).toEqual(['tslaunch0', 1400, true, true]);
    expect(ip('-o addr show tslaunch0')).toContain('inet 10.1.2.1/24');
    expect(ip('link show tslaunch0')).toMatch(/UP.*mtu 1400/);
  });

  it('of a local network has the address that it is given', () => {
    open(option({ kind: 'local' }), { ip: '100.64.1.0', prefix: 31 });
    expect(ip('-o addr show tslaunch0')).toContain('inet 100.64.1.0/31');
  });

  it('becomes a port of a bridge, and leaves its packet size alone', () => {
    ip('link set br0 mtu 4000 up');
    expect(open(option({ kind: 'bridge', bridge: 'br0' })).mtu).toBe(4000);
    expect(ip('-o link show master br0')).toContain('tslaunch0');
    expect(ip('link show br0')).toContain('mtu 4000');
  });

  it('that exists is taken as it is and left as it was', () => {
    for (const words of ['', ' multi_queue']) {
      ip(`tuntap add dev mine mode tap${words}`);
      ip('link set mine mtu 1300');
      const before = ip('-d link show mine').split('\n')[0];
      const taken = open(option({ kind: 'tap', tap: 'mine' }));
      expect([taken.label, taken.linkUp]).toEqual(['mine', false]);
      taken.close();
      wire = undefined;
      expect(ip('-d link show mine').split('\n')[0]).toBe(before);
      ip('link del mine');
    }
  });

  it('carries frames both ways, header first', async () => {
    const { ports } = open(option(ADDRESS));
    const [port] = ports;
    const buffer = new Uint8Array(2000);
    while (port!.read([buffer]) > 0);
    const sent = frame('ff:ff:ff:ff:ff:ff', '02:00:00:00:00:01', arp(), 0x0806);
    expect(port!.write([new Uint8Array(12), sent])).toBe('sent');
    let length = 0;
    while (buffer[12 + 12] !== 8 || buffer[12 + 13] !== 6) {
      await new Promise<void>(resolve => port!.listen(resolve));
      length = port!.read([buffer.subarray(0, 20), buffer.subarray(20)]);
    }
    expect(length).toBe(12 + 42);
    expect([...buffer.subarray(12, 18)]).toEqual([2, 0, 0, 0, 0, 1]);
  });

  it('says what became of frames that do not go', () => {
    const port = open(option(ADDRESS)).ports[0]!;
    const bad = new Uint8Array(12);
    bad[1] = 0x77; // no such segmentation
    expect(port.write([bad, frame('ff:ff:ff:ff:ff:ff', '02:00:00:00:00:01')])).toBe('refused');
    ip('link set tslaunch0 down');
    expect(port.write([new Uint8Array(12), frame('ff:ff:ff:ff:ff:ff', '02:00:00:00:00:01')])).toBe('down');
  });

  it('leaves checksums to the guest while the guest wants that', async () => {
    const w = open(option(ADDRESS));
    ip('neigh add 10.1.2.9 lladdr 02:00:00:00:00:09 dev tslaunch0');
    const flags = async () => {
      await send(1);
      const buffer = new Uint8Array(200);
      for (;;) {
        const length = w.ports[0]!.read([buffer]);
        if (length === 0) throw new Error('the datagram did not come');
        if (buffer[12 + 5] === 9) return buffer[0];
      }
    };
    expect(await flags()).toBe(0);
    w.setOffloads(F.GUEST_CSUM | F.GUEST_TSO4 | F.GUEST_TSO6 | F.GUEST_ECN | F.GUEST_USO4 | F.GUEST_USO6);
    expect(await flags()).toBe(1);
    w.setOffloads(0n);
    expect(await flags()).toBe(0);
    // Segments without checksums cannot be: the kernel is not asked for them.
    w.setOffloads(F.GUEST_TSO4);
    expect(await flags()).toBe(0);
  });

  it('has as many queues as asked for, of which one is in use at first', async () => {
    const w = open(option(ADDRESS, { queues: 3 }));
    expect(w.ports).toHaveLength(3);
    for (const pairs of [3, 1, 2, 2, 1]) w.setPairs(pairs);
    ip('neigh add 10.1.2.9 lladdr 02:00:00:00:00:09 dev tslaunch0');
    const framesByPort = async (count: number) => {
      for (const port of w.ports) while (port.read([new Uint8Array(200)]) > 0);
      await send(count);
      return w.ports.map(port => {
        let frames = 0;
        while (port.read([new Uint8Array(200)]) > 0) frames++;
        return frames;
      });
    };
    w.setPairs(3);
    expect((await framesByPort(60)).filter(count => count > 0).length).toBeGreaterThan(1);
    w.setPairs(1);
    expect((await framesByPort(30)).slice(1)).toEqual([0, 0]);
  });

  it('tells when it goes down, comes up, gets another name, loses its bridge, is gone', async () => {
    ip('link set br0 up');
    const w = open(option({ kind: 'bridge', bridge: 'br0' }));
    const next = async (clause: string, up: boolean) => {
      await expect.poll(() => news).toEqual([clause]);
      expect(w.linkUp).toBe(up);
      news.length = 0;
    };
    ip('link set tslaunch0 down');
    await next('tslaunch0 is down; the guest has lost its link', false);
    ip('link set tslaunch0 up');
    await next('tslaunch0 is up; the guest has its link', true);
    ip('link set tslaunch0 name other0');
    await next('tslaunch0 is called other0 now', true);
    ip('link del br0');
    await next('bridge br0 of other0 is gone; the guest has lost its link', false);
    ip('link add br0 type bridge');
    ip('link del other0');
    await next('other0 is gone; the guest has lost its link', false);
    const port = w.ports[0]!;
    expect(port.read([new Uint8Array(100)])).toBe(0);
    expect(port.write([new Uint8Array(100)])).toBe('down');
    let calls = 0;
    port.listen(() => calls++);
    await new Promise(resolve => setTimeout(resolve, 20));
    expect(calls).toBe(0);
    w.setPairs(1);
    w.setOffloads(F.GUEST_CSUM);
  });

  it.each<[string, NetOption, RegExp, new (...args: never[]) => Error]>([
    [
      'a bridge that is not there',
      option({ kind: 'bridge', bridge: 'br7' }),
      /bridge br7, which does not exist/,
      UsageError,
    ],
    ['a bridge that is none', option({ kind: 'bridge', bridge: 'lo' }), /lo as a bridge, but it is none/, UsageError],
    ['a tap that is not there', option({ kind: 'tap', tap: 'tap7' }), /tap tap7, which does not exist/, UsageError],
    ['a tap that is none', option({ kind: 'tap', tap: 'lo' }), /lo as a tap, but it is none/, UsageError],
    ['more than a tap carries', option(ADDRESS, { mtu: 65_535 }), /mtu 65535/, UsageError],
  ])('refuses %s', (_what, wanted, sentence, kind) => {
    const error = errorOf(() => TapWire.open(wanted));
    expect(error).toBeInstanceOf(kind);
    expect(error?.message).toMatch(sentence);
    expect(error?.remedy).toBeTruthy();
  });

  it('refuses several queues of a tap for one, and a tap that another has', () => {
    ip('tuntap add dev mine mode tap');
    expect(errorOf(() => TapWire.open(option({ kind: 'tap', tap: 'mine' }, { queues: 2 })))?.message).toMatch(
      /made for one/,
    );
    open(option({ kind: 'tap', tap: 'mine' }));
    const error = errorOf(() => TapWire.open(option({ kind: 'tap', tap: 'mine' })));
    expect(error).toBeInstanceOf(HostError);
    expect(error?.message).toMatch(/in use by another process/);
    wire?.close();
    wire = undefined;
    ip('link del mine');
  });
});

/** UDP datagrams to a neighbour that only the tap leads to, each a flow of its own. */
async function send(count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const socket = createSocket('udp4');
    await new Promise(resolve => socket.send('hello', 7000, '10.1.2.9', resolve));
    await new Promise<void>(resolve => socket.close(() => resolve()));
  }
}

/** ARP: who has 10.1.2.1, asks 10.1.2.5. */
function arp(): Uint8Array {
  return Uint8Array.of(0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 1, 2, 5, 0, 0, 0, 0, 0, 0, 10, 1, 2, 1);
}

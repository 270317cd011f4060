import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { ipNumber } from '../../../../src/devices/net/ip.ts';
import { LocalSubnet } from '../../../../src/devices/net/local/subnet.ts';

const held: LocalSubnet[] = [];
afterEach(async () => {
  for (const subnet of held.splice(0)) await subnet.release();
});

async function claim(...args: Parameters<typeof LocalSubnet.claim>): Promise<LocalSubnet> {
  const subnet = await LocalSubnet.claim(...args);
  held.push(subnet);
  return subnet;
}

/** Far from where real guests of this host would be. */
const elsewhere = [{ address: ipNumber('100.64.0.0'), prefix: 11 }];

describe('a subnet of 100.64.0.0/10', () => {
  it('has a pair for each device', async () => {
    const subnet = await claim(elsewhere);
    const pairs = Array.from({ length: 128 }, () => subnet.next());
    const addresses = pairs.flatMap(({ host, guest }) => [host, guest]);
    expect(new Set(addresses).size).toBe(256);
    for (const { host, guest } of pairs) expect(ipNumber(guest)).toBe(ipNumber(host) + 1);
    expect(() => subnet.next()).toThrow('more than 128 times');
  });

  it('belongs to one at a time, however many come at once', async () => {
    const claims = await Promise.all(Array.from({ length: 20 }, () => claim(elsewhere)));
    expect(new Set(claims.map(each => each.next().host)).size).toBe(20);
  });

  it('is free again when it is released', async () => {
    const subnet = await claim(elsewhere);
    const { host } = subnet.next();
    await subnet.release();
    expect((await claim(elsewhere)).next().host).toBe(host);
  });

  it('keeps away from a network of the host', async () => {
    const { host } = (await claim(elsewhere)).next();
    await held.pop()!.release();
    const occupied = [...elsewhere, { address: ipNumber(host), prefix: 24 }];
    expect((await claim(occupied)).next().host).not.toBe(host);
  });

  it('outlives no process, however that ends', async () => {
    const url = new URL('../../../../src/devices/net/local/subnet.ts', import.meta.url);
    const script = `const { LocalSubnet } = await import(${JSON.stringify(url)});
      console.log((await LocalSubnet.claim(${JSON.stringify(elsewhere)})).next().host); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script]);
    const [line] = await once(child.stdout, 'data');
    const theirs = String(line).trim();
    expect((await claim(elsewhere)).next().host).not.toBe(theirs);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await held.pop()!.release();
    expect((await claim(elsewhere)).next().host).toBe(theirs);
  });

  it('is refused in one sentence when there is none', async () => {
    const all = Array.from({ length: 16384 }, (_, n) => ({ address: ipNumber('100.64.0.0') + n * 256, prefix: 24 }));
    await expect(LocalSubnet.claim(all)).rejects.toThrow('No addresses of 100.64.0.0/10 are free for --tunnet local.');
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ipText } from '../../../../src/devices/net/ip.ts';
import { hostDns, parseResolvConf } from '../../../../src/devices/net/local/host-dns.ts';

const directory = mkdtempSync(join(tmpdir(), 'tslaunch-dns-'));
afterAll(() => rmSync(directory, { recursive: true }));
const file = (name: string, text: string) => {
  writeFileSync(join(directory, name), text);
  return join(directory, name);
};

function parsed(text: string) {
  const { nameServers, domain } = parseResolvConf(text);
  return [nameServers.map(ipText).join(' '), domain];
}

describe('resolv.conf', () => {
  it.each([
    ['nameserver 9.9.9.9\nnameserver\t1.1.1.1 \n', '9.9.9.9 1.1.1.1', undefined],
    ['# nameserver 9.9.9.9\n; nameserver 9.9.9.9\n', '', undefined],
    ['nameserver 127.0.0.53\nnameserver ::1\nnameserver fe80::1%eth0\nnameserver 0.0.0.0\n', '', undefined],
    [
      'nameserver 1.1.1.1\nnameserver 1.1.1.2\nnameserver 1.1.1.3\nnameserver 1.1.1.4',
      '1.1.1.1 1.1.1.2 1.1.1.3',
      undefined,
    ],
    ['nameserver 300.1.1.1\nnameserver\n', '', undefined],
    ['domain example.org.\nsearch a.example.org b.example.org', '', 'a.example.org'],
    ['search .\n', '', undefined],
    [`search ${'x'.repeat(129)}\n`, '', undefined],
    ['search bad/name\n', '', undefined],
    ['', '', undefined],
  ])('%j', (text, servers, domain) => {
    expect(parsed(text)).toEqual([servers, domain]);
  });

  it('is looked up behind a resolver that only the host can reach', () => {
    const stub = file('stub', 'nameserver 127.0.0.53\nsearch example.org\n');
    const real = file('real', 'nameserver 192.0.2.53\nsearch example.net\n');
    expect(hostDns([stub, real])).toEqual({ nameServers: [0xc0000235], domain: 'example.net' });
    expect(hostDns([stub, join(directory, 'nothing')])).toEqual({ nameServers: [], domain: 'example.org' });
    expect(hostDns([join(directory, 'nothing')])).toEqual({ nameServers: [], domain: undefined });
  });
});

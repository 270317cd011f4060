import { describe, expect, it } from 'vitest';
import type { NetOption } from '../../src/devices/net/config.ts';
import type { MachineConfig } from '../../src/machine/config.ts';
import { Networks } from '../../src/machine/networks.ts';
import { countersText } from '../../src/machine/statistics-text.ts';

const machine = (...disks: { file: string; readOnly: boolean }[]) =>
  ({ blocks: disks, networks: [] }) as unknown as MachineConfig;
const none: NetOption = { kind: 'none', locked: false, queues: 1 };
const opened = async (config: MachineConfig, name = 'net0', option: NetOption = none) => {
  const networks = new Networks(config);
  const network = await networks.open(name, option);
  network.backend.wire.close();
  await networks.close();
  return network;
};
const macOf = async (config: MachineConfig, name?: string) => (await opened(config, name)).config.mac;

describe('a network device', () => {
  it('has an address that stays with its guest and its place', async () => {
    const disk = { file: 'root.img', readOnly: false };
    const mac = await macOf(machine(disk));
    expect(mac).toMatch(/^[0-9a-f][26ae](:[0-9a-f]{2}){5}$/);
    expect(await macOf(machine({ file: 'x.img', readOnly: true }, disk))).toBe(mac);
    expect(await macOf(machine(disk), 'net1')).not.toBe(mac);
    expect(await macOf(machine({ ...disk, file: 'other.img' }))).not.toBe(mac);
    // Somebody else may have a disk that is only read.
    expect(await macOf(machine({ ...disk, readOnly: true }))).toBe(await macOf(machine()));
  });

  it('is what the option says', async () => {
    const option: NetOption = { ...none, mac: '02:00:00:00:00:05', mtu: 9000, locked: true, queues: 3 };
    const { config, backend } = await opened(machine(), 'net2', option);
    expect(config).toMatchObject({ name: 'net2', mac: option.mac, mtu: 9000, queuePairs: 3, linkUp: false });
    expect(backend.wire.ports).toHaveLength(3);
    const from = (last: number) => Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, last, 8, 0);
    expect([5, 6].map(last => backend.lock?.fromGuest(from(last)))).toEqual([true, false]);
  });
});

describe('what devices counted', () => {
  it('is a table for each', () => {
    const counters = new Map([
      ['net0', { 'frames sent': 12, 'bytes sent': 123_456_789 }],
      ['net1', { 'frames sent': 0 }],
    ]);
    expect(countersText(counters)).toEqual([
      'net0:',
      '         12  frames sent',
      '  123456789  bytes sent',
      'net1:',
      '        0  frames sent',
    ]);
  });
});

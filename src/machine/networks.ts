/**
 * Network devices as `--tunnet` describes them, opened: the wire, the guest's address on it, and what stands between the two. The
 * launcher's `local` wires share a subnet, which is held until all of them are gone.
 */

import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { log } from '../base/log.ts';
import { type NetBackend, noWire } from '../devices/net/backend.ts';
import type { NetOption } from '../devices/net/config.ts';
import { DhcpResponder } from '../devices/net/local/dhcp-responder.ts';
import { leaseFor } from '../devices/net/local/lease.ts';
import { LocalSubnet } from '../devices/net/local/subnet.ts';
import { LockedMac } from '../devices/net/locked.ts';
import { macBytes, macFor, randomMac } from '../devices/net/mac.ts';
import type { NetConfig } from '../devices/net/registers.ts';
import type { NetParts } from '../devices/net/service.ts';
import { TapWire } from '../devices/net/tap-wire.ts';
import type { MachineConfig } from './config.ts';

export interface Network {
  readonly config: NetConfig;
  readonly backend: NetParts;
}

export class Networks {
  readonly #machine: MachineConfig;
  #subnet: LocalSubnet | undefined;

  constructor(machine: MachineConfig) {
    this.#machine = machine;
  }

  /** Makes or takes the tap. Throws UsageError or HostError, with nothing left behind. */
  async open(name: string, option: NetOption): Promise<Network> {
    const mac = option.mac ?? this.#generatedMac(name, option);
    if (option.kind !== 'local') {
      const wire = option.kind === 'none' ? noWire(option.queues) : TapWire.open(option);
      if (option.kind === 'tap' && !wire.linkUp) warnOfDown(name, option.tap);
      return network(name, option, mac, { wire });
    }
    this.#subnet ??= await LocalSubnet.claim();
    const addresses = this.#subnet.next();
    const wire = TapWire.open(option, { ip: addresses.host, prefix: addresses.prefix });
    return network(name, option, mac, {
      wire,
      interceptor: new DhcpResponder(name, leaseFor(addresses, option.mtu)),
    });
  }

  /** After all wires have been closed. */
  async close(): Promise<void> {
    await this.#subnet?.release();
  }

  /**
   * The same for the same guest each time, and for no other on its network (virtio 1.2, 5.1.4.2 leaves it to the device). A wire of
   * its own tells who a guest is, and so does a disk that only one guest may write; a guest that has neither gets a new address
   * each time rather than that of its twin.
   */
  #generatedMac(name: string, option: NetOption): string {
    const disk = this.#machine.blocks.find(block => !block.readOnly);
    if (disk) return macFor(hostname(), name, 'disk', resolve(disk.file));
    if (option.kind === 'bridge') return randomMac();
    const wire = option.kind === 'address' ? option.address.ip : option.kind === 'tap' ? option.tap : '';
    return macFor(hostname(), name, option.kind, wire);
  }
}

function network(name: string, option: NetOption, mac: string, parts: NetParts): Network {
  const { wire } = parts;
  const mtu = option.mtu ?? unusual(wire);
  return {
    config: {
      kind: 'net',
      name,
      mac,
      ...(mtu === undefined ? {} : { mtu }),
      queuePairs: option.queues,
      offloads: wire.offloads,
      linkUp: wire.linkUp,
    },
    backend: option.locked ? { ...parts, lock: new LockedMac(macBytes(mac)) } : parts,
  };
}

/** Bringing it up is up to whoever made it. */
function warnOfDown(name: string, tap: string): void {
  log.warn(`${name}: ${tap} is down, so the guest has no link; type \`ip link set ${tap} up\`.`);
}

/** A wire for other packets than Ethernet's usual ones: the guest has to know, even if nobody asked for it. */
function unusual(wire: NetBackend): number | undefined {
  return wire instanceof TapWire && wire.mtu !== 1500 ? wire.mtu : undefined;
}

/**
 * A subnet of one launcher's own, chosen and held. Two launchers that start at once see the same host and would choose the same
 * one; so the choice is claimed by a socket in the abstract namespace, which only one process can have, which belongs to a
 * network namespace as addresses do, and which is gone with its owner, however that ends.
 */
import { createServer, type Server } from 'node:net';
import { HostError, UsageError } from '../../../base/errors.ts';
import type { LocalAddresses } from '../config.ts';
import { freeSubnets, type HostNetwork, MAX_LOCAL_DEVICES, pairOf } from './addresses.ts';
import { hostNetworks } from './host-networks.ts';

/** A claim that others hold is passed by; after so many they are not launchers. */
const MOST_TRIES = 4096;

export class LocalSubnet {
  readonly #number: number;
  readonly #claim: Server;
  #devices = 0;

  private constructor(number: number, claim: Server) {
    this.#number = number;
    this.#claim = claim;
  }

  /** Claims the first free subnet. Throws HostError when there is none. */
  static async claim(networks: readonly HostNetwork[] = hostNetworks()): Promise<LocalSubnet> {
    let tries = 0;
    for (const number of freeSubnets(networks)) {
      const claim = await claimed(`tslaunch/100.64/${number}`);
      if (claim !== undefined) return new LocalSubnet(number, claim);
      if (++tries === MOST_TRIES) break;
    }
    throw new HostError(
      'No addresses of 100.64.0.0/10 are free for --tunnet local.',
      'End other guests, or give an address yourself: --tunnet 192.168.5.1/24.',
    );
  }

  /** The pair for one more device. */
  next(): LocalAddresses {
    if (this.#devices === MAX_LOCAL_DEVICES) {
      throw new UsageError(`--tunnet local is given more than ${MAX_LOCAL_DEVICES} times.`, 'Give it less often.');
    }
    return pairOf(this.#number, this.#devices++);
  }

  /** Others may take it; to be called when its addresses are gone from the host. */
  release(): Promise<void> {
    return new Promise(resolve => void this.#claim.close(() => resolve()));
  }
}

/** The socket that holds `name`, or undefined when another process has it. Nobody is served there. */
function claimed(name: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer(connection => void connection.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else
        reject(
          new HostError(`Cannot claim addresses for --tunnet local: ${error.message}.`, undefined, { cause: error }),
        );
    });
    server.listen(`\0${name}`, () => resolve(server.unref()));
  });
}

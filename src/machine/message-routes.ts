/**
 * Where MSI-X messages go: each vector of each device has an eventfd that KVM listens to (irqfd), and a route from its GSI to
 * the message the driver wrote. Whichever thread sees a message change rebuilds the whole table from the registers.
 */
import { routingTable } from '../kvm/routing.ts';
import type { Vm } from '../kvm/vm.ts';
import type { MsixMessage } from '../pci/msix.ts';
import type { Lock } from '../state/lock.ts';
import type { RegisterFile } from '../state/register-file.ts';
import type { DeviceWires } from './blueprint.ts';

/** What a router reads of a PCI function, without taking its lock. */
export interface MessageSource {
  readonly vectors: number;
  message(vector: number): MsixMessage;
}

export class MessageRoutes {
  readonly #vm: Vm;
  readonly #lock: Lock;
  readonly #sources: { source: MessageSource; wires: DeviceWires }[] = [];

  constructor(vm: Vm, registers: RegisterFile) {
    this.#vm = vm;
    this.#lock = registers.slice('message-routes', 4).lock;
  }

  add(source: MessageSource, wires: DeviceWires): void {
    this.#sources.push({ source, wires });
  }

  /** Looks at every vector again and gives KVM the result. The lock makes the last thread to change something also the last to look. */
  update(): void {
    this.#lock.with(() => this.#vm.setRouting(routingTable([...this.#routes()])));
  }

  *#routes() {
    for (const { source, wires } of this.#sources) {
      for (let vector = 0; vector < source.vectors; vector++) {
        const { address, data } = source.message(vector);
        // A masked entry keeps its route: a message that KVM has taken but not delivered must not be lost by masking.
        if (address !== 0n) yield { gsi: wires.vectors[vector]!.gsi, address, data };
      }
    }
  }
}

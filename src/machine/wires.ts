/**
 * The eventfds of one power cycle: made before the guest runs, given to KVM and to every board by number, closed at its end.
 */
import { closeFd, createEventFd } from '../host/eventfd.ts';
import type { Vm } from '../kvm/vm.ts';
import { GSI } from '../memory/map.ts';
import type { DeviceModel } from '../virtio/device.ts';
import type { DeviceWires } from './blueprint.ts';

/** One vector for configuration changes, one for each virtqueue (virtio 1.2, 4.1.5.1.2). */
export function vectorsOf(model: DeviceModel): number {
  return model.queueSizes.length + 1;
}

export class Wires {
  readonly lifecycle = createEventFd();
  readonly serial = createEventFd();
  readonly devices: readonly DeviceWires[];

  constructor(models: readonly DeviceModel[]) {
    let gsi = GSI.firstMsi;
    this.devices = models.map(model => ({
      control: createEventFd(),
      doorbells: model.queueSizes.map(() => createEventFd()),
      vectors: Array.from({ length: vectorsOf(model) }, () => ({ fd: createEventFd(), gsi: gsi++ })),
    }));
  }

  /** Lets KVM listen to every interrupt wire. */
  connect(vm: Vm): void {
    for (const { vectors } of this.devices) {
      for (const { fd, gsi } of vectors) vm.assignIrqFd(fd, gsi);
    }
  }

  close(): void {
    closeFd(this.lifecycle);
    closeFd(this.serial);
    for (const { control, doorbells, vectors } of this.devices) {
      for (const fd of [control, ...doorbells, ...vectors.map(v => v.fd)]) closeFd(fd);
    }
  }
}

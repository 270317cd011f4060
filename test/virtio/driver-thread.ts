/**
 * A vCPU thread with a driver on it: builds its own function over the shared registers and memory, brings the device up through
 * registers, keeps both queues full, sleeps until interrupted, and resets the device between rounds. Says how much came back;
 * a lost kick, interrupt or request shows as a sleep without end.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { GuestMemory } from '../../src/memory/guest-memory.ts';
import { RegisterFile } from '../../src/state/register-file.ts';
import { VirtioFunction } from '../../src/virtio/function.ts';
import { MockHeap } from '../support/mock-heap.ts';
import { MockQueue } from '../support/mock-queue.ts';
import { MockRegisters } from '../support/mock-registers.ts';
import { echoModel } from './echo.ts';
import { SharedBell } from './shared-bell.ts';
import { BELL, type DriverOrder } from './shared-machine.ts';

const { registers: file, memory: ram, bells: words, features, requests, rounds } = workerData as DriverOrder;
const memory = new GuestMemory([{ gpa: 0, bytes: new Uint8Array(ram) }]);
const bells = new Int32Array(words);
const interrupt = new SharedBell(bells, BELL.interrupt);
const model = echoModel();
const sizes = model.queueSizes;
const pciFunction = new VirtioFunction({
  model,
  registers: new RegisterFile(file),
  memory,
  interrupts: { setIntx() {}, signalMsix: () => interrupt.ring(), msixChanged() {} },
  control: new SharedBell(bells, BELL.control),
  doorbells: sizes.map((_, i) => new SharedBell(bells, BELL.doorbell + i)),
});
const r = new MockRegisters(pciFunction);

function bringUp(): MockQueue[] {
  const heap = new MockHeap(memory, 4096, memory.size);
  for (const status of [1, 3]) r.set('device_status', status);
  for (const select of [0, 1]) {
    r.set('device_feature_select', select);
    r.set('driver_feature_select', select);
    r.set('driver_feature', r.get('device_feature') & Number((BigInt(features) >> BigInt(32 * select)) & 0xffff_ffffn));
  }
  const eventIdx = (BigInt(features) & (1n << 29n)) !== 0n;
  r.set('device_status', 0xb);
  r.enableMsix(sizes.length + 1);
  const queues = sizes.map((size, index) => {
    r.set('queue_select', index);
    const notify = r.notifyOffset();
    const kick = () => r.write(notify, 2, index);
    const queue = new MockQueue({ memory, heap, index, size, eventIdx, indirect: false, kick });
    r.setAddress('queue_desc', queue.desc);
    r.setAddress('queue_driver', queue.avail);
    r.setAddress('queue_device', queue.used);
    r.set('queue_msix_vector', index + 1);
    r.set('queue_enable', 1);
    return queue;
  });
  r.set('device_status', 0xf);
  return queues;
}

async function round(): Promise<number> {
  const queues = bringUp();
  let echoed = 0;
  let sent = 0;
  const fill = () => {
    for (const queue of queues) {
      while (sent < requests && queue.inFlight < queue.size / 2) {
        const bytes = Uint8Array.of(sent & 0xff, (sent >>> 8) & 0xff);
        sent++;
        void queue.submit([bytes], [2]).then(({ data }) => {
          if (data[0] === bytes[0] && data[1] === bytes[1]) echoed++;
        });
      }
    }
  };
  for (fill(); queues.some(queue => queue.inFlight > 0); fill()) {
    const collected = queues.reduce((count, queue) => count + queue.collect(), 0);
    if (collected > 0) continue;
    if (!interrupt.sleep(5000)) throw new Error(`nothing came back for 5 s after ${echoed} requests`);
  }
  await new Promise<void>(resolve => setImmediate(resolve));
  r.set('device_status', 0);
  const start = Date.now();
  while (r.get('device_status') !== 0) {
    if (Date.now() - start > 5000) throw new Error('the reset does not end');
  }
  return echoed;
}

let total = 0;
for (let i = 0; i < rounds; i++) total += await round();
parentPort?.postMessage(total);

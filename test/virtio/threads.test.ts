import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { GuestMemory } from '../../src/memory/guest-memory.ts';
import { RegisterFile } from '../../src/state/register-file.ts';
import { DeviceRunner } from '../../src/virtio/device-runner.ts';
import { VirtioFunction } from '../../src/virtio/function.ts';
import { EchoService, echoModel } from './echo.ts';
import { SharedBell } from './shared-bell.ts';
import { BELL, type DriverOrder } from './shared-machine.ts';

const REQUESTS = 5000;
const ROUNDS = 3;

describe('a driver on a thread of its own', () => {
  it.each([
    ['with EVENT_IDX', ~0n],
    ['with flags', ~(1n << 29n)],
  ])(
    'loses no kick, no interrupt and no request %s',
    async (_, features) => {
      const order: DriverOrder = {
        registers: new SharedArrayBuffer(65536),
        memory: new SharedArrayBuffer(1 << 20),
        bells: new SharedArrayBuffer(64),
        features: BigInt.asUintN(64, features).toString(),
        requests: REQUESTS,
        rounds: ROUNDS,
      };
      const words = new Int32Array(order.bells);
      const model = echoModel();
      const memory = new GuestMemory([{ gpa: 0, bytes: new Uint8Array(order.memory) }]);
      const control = new SharedBell(words, BELL.control);
      const doorbells = model.queueSizes.map((_size, i) => new SharedBell(words, BELL.doorbell + i));
      const interrupt = new SharedBell(words, BELL.interrupt);
      const pciFunction = new VirtioFunction({
        model,
        registers: new RegisterFile(order.registers),
        memory,
        interrupts: { setIntx() {}, signalMsix: () => interrupt.ring(), msixChanged() {} },
        control,
        doorbells,
      });
      pciFunction.reset();
      const { transport } = pciFunction;
      const service = new EchoService();
      const runner = new DeviceRunner({ transport, service, memory, control, doorbells });
      runner.start();
      const worker = new Worker(
        `const { workerData } = require('node:worker_threads');
       import(workerData.tsx).then(({ register }) => { register(); return import(workerData.main); });`,
        {
          eval: true,
          workerData: {
            ...order,
            tsx: import.meta.resolve('tsx/esm/api'),
            main: new URL('./driver-thread.ts', import.meta.url).href,
          },
        },
      );
      try {
        const [total] = await once(worker, 'message');
        expect(total).toBe(REQUESTS * ROUNDS);
        expect(service.served).toBe(REQUESTS * ROUNDS);
        expect(service.log.filter(line => line === 'reset')).toHaveLength(ROUNDS);
      } finally {
        await worker.terminate();
        await runner.close();
      }
    },
    60_000,
  );
});

/**
 * Main's side of a vCPU thread. The thread is started before there is a machine to run, since it takes longer to start than KVM
 * takes to set up, and lives on across reboots: it then gets a new order. A kick always gets it out of KVM_RUN.
 */
import type { Worker } from 'node:worker_threads';
import { HostError } from '../base/errors.ts';
import { type HostMapping, mapShared } from '../host/mapping.ts';
import { kickThread } from '../host/threads.ts';
import type { VcpuOrder, VcpuReport } from './blueprint.ts';
import { takeThread, threadsLoaded } from './first-thread.ts';

/** A vCPU is out of KVM_RUN microseconds after a kick; one that is not gets another after this time in ms. */
const KICK_INTERVAL = 20;
/** Offset of immediate_exit in struct kvm_run. */
const IMMEDIATE_EXIT = 1;

export class VcpuThread {
  readonly #worker: Worker;
  /** Resolves with the thread's id in the kernel once its code is loaded. */
  readonly ready: Promise<number>;
  #tid = 0;
  /** What to say to whoever gives an order to a thread that is gone. */
  #gone: VcpuReport | undefined;
  #order: { runPage: HostMapping; stopped: () => void; done: Promise<void> } | undefined;
  #onReport: (report: VcpuReport) => void = () => {};

  constructor() {
    const { worker, ready, gone } = takeThread();
    this.#worker = worker;
    this.ready = ready.then(
      report => {
        this.#tid = report.kind === 'ready' ? report.tid : 0;
        return this.#tid;
      },
      cause => {
        throw new HostError(`A vCPU thread failed to start: ${cause.message}`, undefined, { cause });
      },
    );
    this.ready.catch(() => {});
    worker.on('message', (report: VcpuReport) => {
      if (report.kind === 'stopped') this.#order?.stopped();
      else if (report.kind !== 'ready') this.#onReport(report);
    });
    void gone.then(error => {
      const message = `A vCPU thread failed: ${error?.message ?? 'it ended'}`;
      this.#gone = { kind: 'fault', message, remedy: undefined };
      if (this.#order) this.#onReport(this.#gone);
      this.#order?.stopped();
    });
  }

  /** Runs a vCPU until the machine's stop word is set; `onReport` hears of crashes and faults. */
  start(order: VcpuOrder, onReport: (report: VcpuReport) => void): void {
    let stopped = () => {};
    const done = new Promise<void>(resolve => {
      stopped = resolve;
    });
    this.#order = { runPage: mapShared(order.fd, order.runPageSize), stopped, done };
    this.#onReport = onReport;
    if (this.#gone) onReport(this.#gone);
    else this.#worker.postMessage(order);
  }

  /** Gets the thread out of the guest, without waiting. The machine's stop word must be set before. */
  kick(): void {
    if (!this.#order || this.#gone) return;
    this.#order.runPage.views[0]![IMMEDIATE_EXIT] = 1;
    if (this.#tid !== 0) kickThread(this.#tid);
  }

  /** Resolves once the thread has left the guest and let go of the vCPU. The machine's stop word must be set before. */
  async stop(): Promise<void> {
    const order = this.#order;
    if (!order) return;
    const timer = setInterval(() => this.kick(), KICK_INTERVAL);
    this.kick();
    await (this.#gone ? undefined : order.done);
    clearInterval(timer);
    order.runPage.unmap();
    this.#order = undefined;
  }

  /** Ends the thread for good; it must not be running a vCPU. */
  async terminate(): Promise<void> {
    await threadsLoaded();
    await this.#worker.terminate();
  }
}

/**
 * The thread of one vCPU. It waits for an order, builds its own board over the shared registers, runs the guest until the
 * machine stops, and waits again (a reboot is the next order). While the guest runs, its event loop does not.
 */
import { parentPort } from 'node:worker_threads';
import { describeError, TslaunchError } from '../base/errors.ts';
import { log } from '../base/log.ts';
import { blockKicks, swallowKicks, threadId } from '../host/threads.ts';
import { guestCpuid } from '../kvm/cpuid.ts';
import type { CpuidLeaf } from '../kvm/cpuid-leaf.ts';
import { Vcpu } from '../kvm/vcpu.ts';
import { VcpuState } from '../kvm/vcpu-state.ts';
import { Decoder } from '../x86/decoder.ts';
import { ExitReader } from '../x86/exit-reader.ts';
import type { VcpuOrder, VcpuReport } from './blueprint.ts';
import { Board } from './board.ts';
import { crashReport } from './crash-report.ts';
import { ExitLoop } from './exit-loop.ts';
import type { ExitObserver, ObserverParts } from './exit-observer.ts';
import type { ExitParts } from './exit-parts.ts';
import { Ram } from './ram.ts';

const port = parentPort!;
const say = (report: VcpuReport) => port.postMessage(report);

/** Blocked for good: the kick signal only ever ends KVM_RUN. */
const signalMask = blockKicks();
/** RAM stays mapped across reboots; it is the same memory file. */
let ram: Ram | undefined;

/** IA32_MTRR_DEF_TYPE: MTRRs on, default write-back, as firmware leaves it. IA32_MISC_ENABLE: fast strings. */
const BOOT_MSRS = [
  { index: 0x2ff, data: 0x806n },
  { index: 0x1a0, data: 1n },
];

function prepare(vcpu: Vcpu, order: VcpuOrder, cpuid: readonly CpuidLeaf[]): void {
  vcpu.setCpuid(cpuid);
  for (const msr of BOOT_MSRS) {
    // A KVM that does not know one of them does not need it.
    try {
      vcpu.setMsrs([msr]);
    } catch {}
  }
  vcpu.wireLocalInterrupts();
  vcpu.setSignalMask(signalMask);
  if (order.entry) vcpu.enter(order.entry);
}

/** What somebody who wants to see exits waits for is all there before the first one. */
async function watchExits(parts: ObserverParts): Promise<ExitObserver> {
  const [{ ExitObserver }] = await Promise.all([import('./exit-observer.ts'), parts.decoder.loadDisassembler()]);
  return new ExitObserver(parts);
}

async function run(order: VcpuOrder): Promise<void> {
  const { blueprint, id } = order;
  log.setVerbose(blueprint.verbose);
  ram ??= Ram.attach(blueprint.memoryFd, blueprint.memorySize);
  const { memory } = ram;
  const board = new Board(blueprint, memory);
  const vcpu = new Vcpu(order.fd, order.runPageSize);
  try {
    const cpuid = guestCpuid(order.cpuid, { cpus: blueprint.cpus, apicId: id, tscDeadline: order.tscDeadline });
    prepare(vcpu, order, cpuid);
    const state = new VcpuState(vcpu, cpuid);
    const { ports, mmio } = board;
    const decoder = new Decoder();
    const reader = blueprint.decodesExits
      ? new ExitReader(decoder, memory, blueprint.observation !== undefined)
      : undefined;
    const emulation = async () => {
      const { makeEmulation } = await import('./emulation.ts');
      const { completesSystemCalls } = blueprint;
      return makeEmulation({ vcpu, state, memory, mmio, completesSystemCalls });
    };
    const { observation } = blueprint;
    const early = observation && (await emulation());
    const virtio = board.virtio.map(fn => fn.name);
    const observer =
      observation && reader && early
        ? await watchExits({
            ...{ vcpu: id, state, memory, ports, mmio, emulation: early, decoder, reader, virtio },
            trace: observation.trace,
          })
        : undefined;
    const parts: ExitParts = {
      ...{ vcpu, cpu: state.cpu, ports, memory: mmio, control: board.control, reader, observer, swallowKicks },
      emulation: early,
      crash: what => {
        say({ kind: 'crash', id, what, report: crashReport(vcpu, memory) });
        board.control.end('crash');
      },
    };
    const loop = new ExitLoop(parts);
    for (let wanted = loop.run(); wanted; wanted = loop.run()) {
      if (wanted === 'disassembler') await decoder.loadDisassembler();
      else parts.emulation = await emulation();
    }
    if (observer) say({ kind: 'statistics', id, statistics: observer.finish() });
  } finally {
    vcpu.close();
  }
}

port.on('message', async (order: VcpuOrder) => {
  try {
    await run(order);
  } catch (error) {
    const remedy = error instanceof TslaunchError ? error.remedy : undefined;
    const message = error instanceof TslaunchError ? error.message : describeError(error);
    say({ kind: 'fault', message: `vCPU ${order.id}: ${message}`, remedy });
  } finally {
    swallowKicks();
    say({ kind: 'stopped' });
  }
});
say({ kind: 'ready', tid: threadId() });

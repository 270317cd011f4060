import { describe, expect, it } from 'vitest';
import { Bus } from '../../src/bus/bus.ts';
import { EXIT } from '../../src/kvm/constants.ts';
import { run } from '../../src/kvm/structs.ts';
import type { MachineControl } from '../../src/machine/control.ts';
import type { Emulation } from '../../src/machine/emulation.ts';
import { ExitLoop } from '../../src/machine/exit-loop.ts';
import type { ExitParts } from '../../src/machine/exit-parts.ts';
import type { CpuState } from '../../src/x86/cpu-state.ts';
import { Decoder } from '../../src/x86/decoder.ts';
import { ExitReader } from '../../src/x86/exit-reader.ts';
import { bytes, cpu, identityMap, memory } from '../x86/support.ts';

const CODE = 0x10_0000;
const DEVICE = 0x3000_0000;
const [RAX, RDX, RDI] = [0, 2, 7] as const;

type Step = (state: CpuState, page: ReturnType<typeof run.over>) => unknown;

/** A loop over a KVM that plays a list of exits and then lets the machine stop. */
function machine(steps: Step[], options: { decode?: boolean } = {}) {
  const guest = memory();
  identityMap(guest);
  const state = cpu('long');
  const runBytes = new Uint8Array(8192);
  const page = run.over(runBytes);
  const said: string[] = [];
  const block = (name: string) => ({
    name,
    read: (offset: number, width: number) => {
      said.push(`${name} read ${offset} ${width}`);
      return 0xa5a5_a5a5;
    },
    write: (offset: number, width: number, value: number) => {
      said.push(`${name} write ${offset} ${width} ${value.toString(16)}`);
    },
  });
  const ports = new Bus('io');
  ports.claim(0x80, 8, block('port'));
  const mmio = new Bus('mmio');
  mmio.claim(DEVICE, 0x1000, block('device'));
  const decoder = new Decoder();
  const reader = options.decode === false ? undefined : new ExitReader(decoder, guest);
  let runs = 0;
  let interrupted = 0;
  const vcpu = {
    runBytes,
    runPage: page,
    run: () => {
      runs++;
      const step = steps.shift();
      step?.(state, page);
      return step !== undefined;
    },
  } as unknown as ExitParts['vcpu'];
  const parts: ExitParts = {
    ...{ vcpu, cpu: state, ports, memory: mmio, reader, emulation: undefined, observer: undefined },
    control: {
      get stopping() {
        return interrupted > 0;
      },
    } as unknown as MachineControl,
    swallowKicks: () => interrupted++,
    crash: what => said.push(`crash: ${what}`),
  };
  const loop = new ExitLoop(parts);
  return { guest, state, page, runBytes, said, parts, decoder, reader, loop, runs: () => runs };
}

type Page = Parameters<Step>[1];
const port = (page: Page, fields: object) =>
  Object.assign(page, { exitReason: EXIT.IO, ioCount: 1, ioDataOffset: 0x1000n }, fields);
const access = (page: Page, address: number, width: number, write: boolean) =>
  Object.assign(page, {
    ...{ exitReason: EXIT.MMIO, mmioAddress: BigInt(address), mmioLength: width },
    mmioIsWrite: write ? 1 : 0,
  });

/** The guest's code, and where each instruction is. */
const PROGRAM = '66 ed 90 90 48 89 47 08 8a 47 01 90 f3 6e';
const [IN, STORE_END, LOAD, OUTS] = [CODE, CODE + 8, CODE + 8, CODE + 12] as const;

/** What the load put into the run page. */
let loaded: number[] = [];

function script(): Step[] {
  return [
    (state, page) => {
      state.rip = BigInt(IN);
      state.setRegister(RDX, 0x82n);
      port(page, { ioDirection: 0, ioSize: 2, ioPort: 0x82 });
    },
    (state, page) => {
      state.rip = BigInt(STORE_END);
      state.setRegister(RAX, 0x1_0000_0007n);
      state.setRegister(RDI, BigInt(DEVICE));
      access(page, DEVICE + 8, 8, true);
      page.mmioData.set([7, 0, 0, 0, 1, 0, 0, 0]);
    },
    (state, page) => {
      state.rip = BigInt(LOAD);
      access(page, DEVICE + 1, 1, false);
      page.mmioData.fill(0);
    },
    (state, page) => {
      loaded = [...page.mmioData.subarray(0, 2)];
      state.rip = BigInt(OUTS);
      state.setRegister(RDX, 0x83n);
      port(page, { ioDirection: 1, ioSize: 1, ioCount: 3, ioPort: 0x83 });
    },
  ];
}

const ACCESSES = [
  'port read 2 2',
  'device write 8 4 7',
  'device write 12 4 1',
  'device read 1 1',
  'port write 3 1 61',
  'port write 3 1 62',
  'port write 3 1 63',
];

describe('the exit loop', () => {
  it('dispatches what the instructions say, stops in front of one it cannot read yet, and goes on with it', async () => {
    const m = machine(script());
    m.guest.write(CODE, bytes(PROGRAM));
    m.runBytes.set([0x61, 0x62, 0x63], 0x1000);
    expect(m.loop.run()).toBe('disassembler');
    expect(m.said).toEqual(ACCESSES.slice(0, 1));
    // What was read is for the guest, and nothing else of the page is touched.
    expect([...m.runBytes.subarray(0x1000, 0x1003)]).toEqual([0xa5, 0xa5, 0x63]);
    m.runBytes.set([0x61, 0x62, 0x63], 0x1000);
    await m.decoder.loadDisassembler();
    expect(m.loop.run()).toBeUndefined();
    expect(m.said).toEqual(ACCESSES);
    expect(loaded).toEqual([0xa5, 0]);
    expect([m.reader?.found, m.reader?.mismatches, m.runs()]).toEqual([4, 0, 5]);
    m.decoder.close();
  });

  it('does the same by KVM’s account alone', () => {
    const m = machine(script(), { decode: false });
    m.runBytes.set([0, 0, 0x63], 0x1000);
    expect(m.loop.run()).toBeUndefined();
    expect(m.said).toEqual([...ACCESSES.slice(0, 4), 'port write 3 1 a5', 'port write 3 1 a5', 'port write 3 1 63']);
  });

  it('carries KVM’s account out where the instruction says otherwise', () => {
    const m = machine([
      (state, page) => {
        state.rip = BigInt(CODE + 1);
        state.setRegister(RDX, 0x81n);
        port(page, { ioDirection: 1, ioSize: 1, ioPort: 0x80 });
        m.runBytes[0x1000] = 5;
      },
    ]);
    m.guest.write(CODE, bytes('ee ee'));
    expect(m.loop.run()).toBeUndefined();
    expect(m.said).toEqual(['port write 0 1 5']);
    expect([m.reader?.found, m.reader?.mismatches]).toEqual([0, 1]);
  });

  it('waits for the emulator in front of an instruction that KVM refuses', () => {
    const m = machine([(_state, page) => Object.assign(page, { exitReason: EXIT.INTERNAL_ERROR, suberror: 1 })]);
    new DataView(m.runBytes.buffer).setUint32(0x20, 1, true);
    expect(m.loop.run()).toBe('emulation');
    expect(m.loop.run()).toBe('emulation');
    let executed = 0;
    m.parts.emulation = {
      refused: {
        execute: () => {
          executed++;
          return 'It cannot be.';
        },
      },
      systemCalls: undefined,
    } as unknown as Emulation;
    expect(m.loop.run()).toBeUndefined();
    expect([executed, m.runs()]).toEqual([1, 2]);
    expect(m.said).toEqual(['crash: It cannot be.']);
  });

  it('ends the guest with a report at an exit that nobody expects', () => {
    const m = machine([(_state, page) => Object.assign(page, { exitReason: 99 })]);
    expect(m.loop.run()).toBeUndefined();
    expect(m.said[0]).toMatch(/^crash: KVM left the guest with .*, which the launcher does not know\.$/);
  });
});

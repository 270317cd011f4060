import { afterEach, describe, expect, it } from 'vitest';
import { log } from '../../src/base/log.ts';
import { Bus } from '../../src/bus/bus.ts';
import type { VcpuState } from '../../src/kvm/vcpu-state.ts';
import { RefusedInstructions } from '../../src/machine/refused.ts';
import { bytes, cpu, identityMap, memory } from '../x86/support.ts';

const CODE = 0x10_0000;
const IDT = 0x20_0000;
/** VPCONFLICTD: in no table of ours. */
const UNKNOWN = '62 f2 7d 48 c4 c1';

function machine(code: string, level: 0 | 3) {
  const guest = memory();
  identityMap(guest);
  guest.write(CODE, bytes(code));
  const state = cpu('long');
  state.rip = BigInt(CODE);
  state.segments.ss.dpl = level;
  // Interrupt gates for INT3 and INT 80H.
  Object.assign(state.system, { idtBase: BigInt(IDT), idtLimit: 0xfff });
  for (const vector of [3, 0x80]) guest.setU64(IDT + vector * 16, 0x8e00_0010_0000n);
  const done: string[] = [];
  const owner = {
    cpu: state,
    raise: (vector: number, code?: number) => done.push(`raise ${vector} ${code}`),
    interrupt: (vector: number) => done.push(`interrupt ${vector}`),
    commit: () => done.push('commit'),
  } as unknown as VcpuState;
  return { done, state, refused: new RefusedInstructions(owner, guest, new Bus('mmio')) };
}

describe('an instruction that KVM refuses', () => {
  const said: string[] = [];
  afterEach(() => {
    said.length = 0;
    log.setSink(() => {});
  });

  it('is run, or causes its exception', () => {
    const popcnt = machine('f3 48 0f b8 c1', 0);
    popcnt.state.setRegister(1, 7n);
    expect(popcnt.refused.execute()).toBeUndefined();
    expect([popcnt.state.register(0), popcnt.done]).toEqual([3n, ['commit']]);
    const ud2 = machine('0f 0b', 3);
    expect(ud2.refused.execute()).toBeUndefined();
    expect(ud2.done).toEqual(['raise 6 undefined', 'commit']);
    const int3 = machine('cc', 0);
    expect(int3.refused.execute()).toBeUndefined();
    expect(int3.done).toEqual(['raise 3 undefined', 'commit']);
    const int80 = machine('cd 80', 0);
    int80.refused.execute();
    expect(int80.done).toEqual(['interrupt 128', 'commit']);
  });

  it('ends the guest if it is the kernel’s and not ours either', () => {
    const { refused, done } = machine(UNKNOWN, 0);
    expect(refused.execute()).toMatch(
      /^Neither KVM nor tslaunch can run the instruction 62 f2 7d 48 c4 c1.*Please report it/,
    );
    expect(done).toEqual([]);
  });

  it('is #UD to user code if it is not ours either, and is told of, but not for ever', () => {
    log.setSink(line => said.push(line));
    const { refused, done, state } = machine(UNKNOWN, 3);
    for (let i = 0; i < 20; i++) expect(refused.execute()).toBeUndefined();
    expect(done.slice(0, 2)).toEqual(['raise 6 undefined', 'commit']);
    expect(state.rip).toBe(BigInt(CODE));
    expect(said).toHaveLength(4);
    expect(said[0]).toContain('It is undefined (#UD) to the program that uses it.');
  });
});

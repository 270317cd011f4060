import { describe, expect, it } from 'vitest';
import { guestCpuid } from '../../src/kvm/cpuid.ts';
import { type CpuidLeaf, decodeCpuid, encodeCpuid } from '../../src/kvm/cpuid-leaf.ts';

function leaf(fn: number, index: number, eax: number, ebx: number, ecx: number, edx: number): CpuidLeaf {
  return { function: fn, index, flags: index ? 1 : 0, eax, ebx, ecx, edx };
}
const XSAVE_AVX = (1 << 26) | (1 << 28);
const base = [
  leaf(1, 0, 0, 0xff010800, XSAVE_AVX, 0),
  leaf(4, 0, 0xfc004121, 0, 0, 0),
  leaf(4, 3, 0xfc004163, 0, 0, 0),
  leaf(7, 0, 0, 1 << 5, 0, 0),
  leaf(0xb, 0, 9, 9, 9, 9),
  leaf(0xd, 0, 7, 832, 832, 0),
  leaf(0xd, 2, 256, 576, 0, 0),
];
const find = (leaves: CpuidLeaf[], fn: number, index = 0) => leaves.find(l => l.function === fn && l.index === index);

describe('guestCpuid', () => {
  const four = guestCpuid(base, { cpus: 4, apicId: 2, tscDeadline: true });

  it('tells each CPU its APIC id and all of them their number', () => {
    const features = find(four, 1)!;
    expect(features.ebx >>> 24).toBe(2);
    expect((features.ebx >>> 16) & 0xff).toBe(4);
    expect(features.ecx >>> 31).toBe(1);
    expect((features.ecx >>> 24) & 1).toBe(1);
    expect((features.edx >>> 28) & 1).toBe(1);
    expect(find(four, 0xb, 0)).toMatchObject({ eax: 0, ebx: 1, ecx: 0x100, edx: 2 });
    expect(find(four, 0xb, 1)).toMatchObject({ eax: 2, ebx: 4, ecx: 0x201, edx: 2 });
  });

  it('shares only the last cache level between cores', () => {
    expect((find(four, 4, 0)!.eax >>> 14) & 0xfff).toBe(0);
    expect((find(four, 4, 3)!.eax >>> 14) & 0xfff).toBe(3);
    expect(find(four, 4, 0)!.eax >>> 26).toBe(3);
  });

  it('has no hyper-threading bit with one CPU', () => {
    const one = guestCpuid(base, { cpus: 1, apicId: 0, tscDeadline: false });
    expect((find(one, 1)!.edx >>> 28) & 1).toBe(0);
    expect((find(one, 1)!.ecx >>> 24) & 1).toBe(0);
  });

  it('keeps a consistent XSAVE leaf and hides one that does not add up, with all that needs it', () => {
    expect(find(four, 0xd)).toBeDefined();
    const broken = base.map(l => (l.function === 0xd && l.index === 0 ? { ...l, ecx: 1000 } : l));
    const hidden = guestCpuid(broken, { cpus: 1, apicId: 0, tscDeadline: false });
    expect(find(hidden, 0xd)).toBeUndefined();
    expect(find(hidden, 1)!.ecx & XSAVE_AVX).toBe(0);
    expect(find(hidden, 7)!.ebx & (1 << 5)).toBe(0);
  });

  it('survives the trip through struct kvm_cpuid2', () => {
    expect(decodeCpuid(encodeCpuid(four))).toEqual(four);
  });
});

import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { type TracedAccess, type TraceEvent, traceJson, traceText } from '../../src/machine/trace-line.ts';

const access: TracedAccess = {
  ...{ bus: 'mmio', kind: 'read', address: 0xc000_0014, width: 1, value: 0xf },
  ...{ device: 'block0', register: 'device_status' },
};
const event: TraceEvent = {
  ...{ time: 12_345_678, vcpu: 1, class: 'virtio', rip: 0xffff_ffff_8100_1234n, symbol: 'vp_get_status+0x1c' },
  ...{ instruction: 'mov al, byte ptr [rdi]', accesses: [access], result: undefined, mismatch: undefined },
};

describe('a line of the trace', () => {
  it('says when, who, where, what and what came of it', () => {
    expect(traceText(event, false)).toBe(
      '  12.345678 1 virtio  vp_get_status+0x1c               mov al, byte ptr [rdi]               block0.device_status -> 0x0f',
    );
  });

  it('shows an address where there is no symbol, and where nobody answers', () => {
    const nobody = { ...access, kind: 'write', device: undefined, register: undefined } as const;
    const line = traceText({ ...event, symbol: undefined, accesses: [nobody] }, false);
    expect(line).toContain('ffffffff81001234');
    expect(line).toContain('mmio 0xc0000014 (nobody) <- 0x0f');
  });

  it('cuts a string of items short', () => {
    const line = traceText({ ...event, accesses: Array(512).fill(access) }, false);
    expect(line.match(/device_status/g)).toHaveLength(4);
    expect(line).toMatch(/; 508 more$/);
  });

  it('tells the result of an emulated instruction, and disagreements', () => {
    const line = traceText(
      { ...event, class: 'emulate', accesses: [], result: '#PF(0x6)', mismatch: 'Not so.' },
      false,
    );
    expect(line).toMatch(/emulated: #PF\(0x6\) mismatch: Not so\.$/);
  });

  it('is in colour for a terminal', () => {
    const line = traceText(event, true);
    expect(line).toContain('\u001b[32mvirtio \u001b[0m');
    expect(stripVTControlCharacters(line)).toBe(traceText(event, false));
  });

  it('is an object of JSON for programs', () => {
    expect(JSON.parse(traceJson(event))).toEqual({
      ...{ time: 12.345678, vcpu: 1, kind: 'virtio', rip: '0xffffffff81001234', symbol: 'vp_get_status+0x1c' },
      instruction: 'mov al, byte ptr [rdi]',
      accesses: [
        {
          ...{ bus: 'mmio', kind: 'read', address: '0xc0000014', width: 1, value: '0x0f' },
          ...{ device: 'block0', register: 'device_status' },
        },
      ],
    });
  });
});

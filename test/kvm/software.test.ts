import { describe, expect, it } from 'vitest';
import { lacksVirtualisation } from '../../src/kvm/software.ts';

describe('a processor without virtualisation', () => {
  it('has neither VMX nor SVM among its flags', () => {
    expect(lacksVirtualisation('processor\t: 0\nflags\t\t: fpu vme sse2 hypervisor\n')).toBe(true);
    expect(lacksVirtualisation('flags\t\t: fpu vmx sse2\n')).toBe(false);
    expect(lacksVirtualisation('flags\t\t: fpu sse2 svm\n')).toBe(false);
  });

  it('is told by flags alone, whole words', () => {
    expect(lacksVirtualisation('flags\t\t: svm_lock fpu\nbugs\t\t: svm\nvmx flags\t: vnmi\n')).toBe(true);
  });
});

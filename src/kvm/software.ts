/**
 * Whether KVM runs guests without the processor's help. Such a KVM reads a guest kernel's instructions itself, runs user code on the
 * bare processor, and leaves gaps in both that hardware does not have.
 */
import { readFileSync } from 'node:fs';

/** True where no processor has VMX or SVM. `cpuinfo` is /proc/cpuinfo. */
export function lacksVirtualisation(cpuinfo = readFileSync('/proc/cpuinfo', 'latin1')): boolean {
  return !/^flags\s*:.*\b(?:vmx|svm)\b/m.test(cpuinfo);
}

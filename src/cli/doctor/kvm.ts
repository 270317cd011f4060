/** KVM and koffi: what no guest runs without. Also the reason of a run's refusal, so it must know every usual cause. */
import { type Finding, limited, missing, ok } from './finding.ts';
import type { HostFacts } from './host.ts';

/** Why /dev/kvm is not there, and how to get it. */
function absent(host: HostFacts): string {
  if (host.container) return 'Start the container with the device: docker run --device /dev/kvm ...';
  if (host.virtualisation === 'vmx') return 'sudo modprobe kvm_intel';
  if (host.virtualisation === 'svm') return 'sudo modprobe kvm_amd';
  return 'Enable virtualisation (VT-x, SVM) in the firmware, or nested virtualisation in the machine around this one.';
}

/** Why /dev/kvm may not be opened, and how to be let in. */
function forbidden(host: HostFacts): string {
  if (host.kvmGroup) return `sudo usermod -aG ${host.kvmGroup} ${host.user}   (then log in again)`;
  return 'sudo chmod 666 /dev/kvm   (until the next boot; a kvm group with a udev rule lasts)';
}

function device(host: HostFacts): Finding {
  const { openError, callError, apiVersion, maxCpus } = host.kvm;
  if (callError) return missing('/dev/kvm', 'not examined', 'Make koffi load first.');
  if (openError === 'ENOENT') return missing('/dev/kvm', 'does not exist', absent(host));
  if (openError === 'EACCES' || openError === 'EPERM') return missing('/dev/kvm', 'no permission', forbidden(host));
  if (openError === 'ENODEV' || openError === 'ENXIO') return missing('/dev/kvm', 'has no driver', absent(host));
  if (openError) return missing('/dev/kvm', `cannot be opened (${openError})`, absent(host));
  return ok('/dev/kvm', `API ${apiVersion}, up to ${maxCpus} vCPUs`);
}

function capabilities(host: HostFacts): Finding | undefined {
  if (!host.kvm.capabilities) return undefined;
  const lacking = Object.entries(host.kvm.capabilities).filter(([, there]) => !there);
  if (lacking.length === 0) return ok('KVM features', 'interrupt controller, irqfd, ioeventfd');
  const names = lacking.map(([name]) => `KVM_CAP_${name}`).join(', ');
  return missing('KVM features', `lacking ${names}`, 'Update the kernel of this host.');
}

function kind(host: HostFacts): Finding {
  if (host.virtualisation) return ok('virtualisation', `by the processor (${host.virtualisation})`);
  if (host.kvm.apiVersion === undefined) {
    return limited('virtualisation', 'not by the processor', 'Guests run natively on a processor with vmx or svm.');
  }
  return limited(
    'virtualisation',
    'in software: guests run, slowly',
    'For native speed use a processor with vmx or svm; npm run lab has one emulated.',
  );
}

export function kvmFindings(host: HostFacts): Finding[] {
  const koffi = host.kvm.callError
    ? missing('koffi', host.kvm.callError, 'npm ci   (in the folder of tslaunch, for this processor and this Node)')
    : ok('koffi', 'loads');
  const found = [koffi, device(host), capabilities(host), kind(host)];
  return found.filter(finding => finding !== undefined);
}

/** KVM and koffi: what no guest runs without. Knows the usual causes, and which of them applies to this host. */
import { type Finding, limited, missing, ok } from './finding.ts';
import type { HostFacts } from './host.ts';

const DEVICE = '/dev/kvm';

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
  const { kvm } = host;
  if (kvm.kind === 'uncallable') return missing(DEVICE, 'not examined', 'Make koffi load first.');
  if (kvm.kind === 'usable') return ok(DEVICE, `API ${kvm.apiVersion}, up to ${kvm.maxCpus} vCPUs`);
  switch (kvm.errno) {
    case 'ENOENT':
      return missing(DEVICE, 'does not exist', absent(host));
    case 'ENODEV':
    case 'ENXIO':
      return missing(DEVICE, 'has no driver behind it', absent(host));
    case 'EACCES':
      return missing(DEVICE, 'no permission to open it', forbidden(host));
    case 'EPERM':
      return missing(DEVICE, 'denied, as by a device rule of a container', absent({ ...host, container: true }));
    default:
      return missing(DEVICE, kvm.message, kvm.remedy ?? absent(host));
  }
}

function kind(host: HostFacts): Finding {
  if (host.virtualisation) return ok('virtualisation', `by the processor (${host.virtualisation})`);
  const name = 'virtualisation';
  if (host.kvm.kind !== 'usable')
    return limited(name, 'not by the processor', 'Guests need a processor with vmx or svm.');
  const remedy = 'For native speed use a processor with vmx or svm; `npm run lab` emulates one.';
  return limited(name, 'in software: guests run, slowly', remedy);
}

export function kvmFindings(host: HostFacts): Finding[] {
  const koffi =
    host.kvm.kind === 'uncallable'
      ? missing('koffi', host.kvm.message, 'npm ci   (in the folder of tslaunch, with the Node that runs it)')
      : ok('koffi', 'loads');
  return [koffi, device(host), kind(host)];
}

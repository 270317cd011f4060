/** `--version`: what a bug report needs to name. */
import manifest from '../../package.json' with { type: 'json' };
import { KVM_DEVICE, type KvmProbe, probeKvm } from './kvm-probe.ts';

function describe(probe: KvmProbe): string {
  if (probe.apiVersion !== undefined) return `API ${probe.apiVersion}`;
  return `not available (${probe.openError ? `${KVM_DEVICE}: ${probe.openError}` : probe.callError})`;
}

export async function versionText(): Promise<string> {
  return [`tslaunch ${manifest.version}`, `node ${process.version}`, `kvm ${describe(await probeKvm())}`, ''].join(
    '\n',
  );
}

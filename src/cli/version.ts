/** `--version`: what a bug report needs to name. */
import manifest from '../../package.json' with { type: 'json' };
import { type KvmProbe, probeKvm } from './kvm-probe.ts';

function describe(probe: KvmProbe): string {
  return probe.kind === 'usable' ? `API ${probe.apiVersion}` : `not available: ${probe.message}`;
}

export async function versionText(): Promise<string> {
  return `tslaunch ${manifest.version}\nnode ${process.version}\nkvm ${describe(await probeKvm())}\n`;
}

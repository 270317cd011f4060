/** What surrounds a guest: Node, memory, descriptors, networking, the nested machine for tests. */
import { GiB, MiB } from '../../base/bits.ts';
import { type Finding, limited, missing, ok } from './finding.ts';
import type { HostFacts } from './host.ts';

/** As in package.json's engines. */
const NODE = [20, 19] as const;
/** A machine of 32 vCPUs and 31 devices with a few queues each stays below this. */
const OPEN_FILES = 1024;
/** What the nested machine of `npm run lab` needs. */
const LAB_MEMORY = 3 * GiB;

function node(host: HostFacts): Finding {
  const [major = 0, minor = 0] = host.nodeVersion.split('.').map(Number);
  const recent = major > NODE[0] || (major === NODE[0] && minor >= NODE[1]);
  const name = 'Node.js';
  return recent
    ? ok(name, host.nodeVersion)
    : missing(name, host.nodeVersion, `Install Node.js ${NODE.join('.')} or later.`);
}

function memory(host: HostFacts): Finding {
  const size = (bytes: number) => `${Math.floor(bytes / MiB)} MiB`;
  const found = `${size(host.memoryAvailable)} available of ${size(host.memoryTotal)}`;
  if (host.memoryAvailable >= 512 * MiB) return ok('memory', found);
  return limited('memory', found, 'Give guests less memory than is available, or end something else.');
}

function files(host: HostFacts): Finding {
  const { soft, hard } = host.openFiles;
  if (soft >= OPEN_FILES) return ok('open files', Number.isFinite(soft) ? `limit ${soft}` : 'no limit');
  const raise = hard >= OPEN_FILES ? `ulimit -n ${OPEN_FILES}` : `sudo prlimit --pid $$ --nofile=${OPEN_FILES}`;
  return limited('open files', `limit ${soft}`, raise);
}

function tun(host: HostFacts): Finding {
  const name = 'tap networking';
  if (host.tunError === 'ENOENT') {
    return limited(
      name,
      '/dev/net/tun does not exist',
      host.container ? 'docker run --device /dev/net/tun ...' : 'sudo modprobe tun',
    );
  }
  if (host.tunError) return limited(name, `/dev/net/tun: ${host.tunError}`, 'sudo chmod 666 /dev/net/tun');
  if (host.netAdmin) return ok(name, '/dev/net/tun, CAP_NET_ADMIN');
  const remedy = host.container
    ? 'docker run --cap-add NET_ADMIN ...'
    : `sudo ip tuntap add tap0 mode tap user ${host.user}   (or run as root)`;
  return limited(name, '/dev/net/tun, but no right to create a tap', remedy);
}

function bridge(host: HostFacts): Finding {
  if (host.programs.has('ip')) return ok('bridge tools', 'ip');
  return limited('bridge tools', 'ip is not on the PATH', 'sudo apt-get install iproute2');
}

function lab(host: HostFacts): Finding {
  const name = 'nested lab';
  if (host.memoryAvailable < LAB_MEMORY) return limited(name, 'too little memory', `Free ${LAB_MEMORY / GiB} GiB.`);
  if (host.programs.has('qemu-system-x86_64')) return ok(name, 'qemu-system-x86_64');
  if (host.programs.has('apt-get'))
    return limited(name, 'no qemu-system-x86_64', 'sudo apt-get install qemu-system-x86');
  return limited(name, 'no qemu-system-x86_64', 'Install QEMU for x86-64.');
}

export function facilityFindings(host: HostFacts): Finding[] {
  return [node(host), memory(host), files(host), tun(host), bridge(host), lab(host)];
}

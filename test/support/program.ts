/** Runs the program as a user would, `bin/tslaunch.js` over the built bundle, and says what came of it. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from './sources.ts';

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * A host that differs from this one, for one process: without /dev/kvm (or anything else in /dev), with one it may not open, without
 * root's right to open anything; with a network of its own, where there are taps `single` and `foreign`, and without the right to change that.
 */
export type Host = 'this' | 'no-kvm' | 'forbidden-kvm' | 'no-override' | 'network' | 'fixed-network';

export const PROGRAM = join(ROOT, 'bin/tslaunch.js');
const TIME_LIMIT = 30_000;

/** In a mount namespace of its own: a /dev with little in it, and in place of /dev/kvm what the test wants. Leaves nothing behind. */
const OTHER_DEV = `
set -e
mount -t tmpfs none /mnt
for node in null zero full random urandom tty; do touch /mnt/$node; mount --bind /dev/$node /mnt/$node; done
if [ "$1" = forbidden-kvm ]; then touch /mnt/kvm; chmod 0 /mnt/kvm; fi
shift
mount --rbind /mnt /dev
exec "$@"`;

/** Only root knows somebody else to give a tap to. */
const OWN_NETWORK = `
ip tuntap add dev single mode tap vnet_hdr && { ip tuntap add dev foreign mode tap user 12345 2>/dev/null; exec "$@"; }`;

const LESS_ROOT = ['setpriv', '--bounding-set=-dac_override,-dac_read_search'];
/** Root has the namespace for the asking; another user becomes root of a user namespace first. */
const unshare = (what: string) => ['unshare', ...(process.getuid?.() === 0 ? [] : ['--map-root-user']), what];

function prefix(host: Host): string[] {
  switch (host) {
    case 'this':
      return [];
    case 'no-override':
      return process.getuid?.() === 0 ? LESS_ROOT : [];
    case 'no-kvm':
    case 'forbidden-kvm':
      return [...unshare('--mount'), 'sh', '-c', OTHER_DEV, 'sh', host, ...LESS_ROOT];
    case 'network':
      return [...unshare('--net'), 'sh', '-c', OWN_NETWORK, 'sh'];
    case 'fixed-network':
      return [...unshare('--net'), 'sh', '-c', OWN_NETWORK, 'sh', 'setpriv', '--bounding-set=-net_admin'];
  }
}

/** Test files run side by side: whoever comes second waits, looks, and finds it built. */
const BUILD = `
if [ ! -e dist/main.js ] || [ -n "$(find src -newer dist/main.js -print -quit)" ]; then npm run -s build; fi`;

/** Builds the bundle if a source file is newer. */
export function buildProgram(): void {
  const { status, stderr } = spawnSync('flock', ['package.json', 'sh', '-c', BUILD], { cwd: ROOT, encoding: 'utf8' });
  if (status !== 0) throw new Error(`the build failed:\n${stderr}`);
}

/** Runs to the end with nothing on stdin. */
export function runProgram(args: readonly string[], host: Host = 'this', cwd = ROOT): Outcome {
  const [command, ...rest] = [...prefix(host), process.execPath, PROGRAM, ...args];
  const { status, stdout, stderr, error } = spawnSync(command!, rest, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIME_LIMIT,
    killSignal: 'SIGKILL',
  });
  if (error) throw error;
  return { status, stdout, stderr };
}

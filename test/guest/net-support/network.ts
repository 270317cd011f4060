// A network in the lab for guests to be on: a namespace of its own with a bridge and somebody at the other end who serves files and
// names. All of it, taps included, is gone with the namespace.
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../../fixtures/guests/launchers.ts';
import type { Lab, LabProcess } from '../../../fixtures/lab/types.ts';
import { exec } from '../../../fixtures/support/exec.ts';

const HERE = `${root}test/guest/net-support`;
const PEER_PATIENCE = 60_000;

export class TestNetwork {
  readonly name: string;
  /** What the peer serves. */
  readonly #file: string;
  #sum: string;
  readonly #lab: Lab;
  readonly #peer: LabProcess;

  private constructor(name: string, file: string, sum: string, lab: Lab, peer: LabProcess) {
    this.name = name;
    this.#file = file;
    this.#sum = sum;
    this.#lab = lab;
    this.#peer = peer;
  }

  /** `setUp`: lines of shell that run inside; `mib`: size of the file that is served. */
  static async create(lab: Lab, scratch: string, setUp: string, mib: number): Promise<TestNetwork> {
    const name = `tslaunch-${randomBytes(3).toString('hex')}`;
    const file = join(scratch, `${name}.file`);
    const hash = createHash('sha256');
    const fd = openSync(file, 'w');
    for (let i = 0; i < mib; i++) {
      const block = randomBytes(1 << 20);
      hash.update(block);
      writeSync(fd, block);
    }
    closeSync(fd);
    const { code, stderr } = await lab.run('sh', ['-ec', `ip netns add ${name}; ip -n ${name} link set lo up`]);
    if (code !== 0) throw new Error(`no network namespace: ${stderr}`);
    const peer = lab.spawn('ip', ['netns', 'exec', name, process.execPath, `${HERE}/peer.cjs`, file]);
    const network = new TestNetwork(name, file, hash.digest('hex'), lab, peer);
    await network.run(setUp);
    await network.#untilReady();
    return network;
  }

  /** Of the file that the peer serves. */
  get sum(): string {
    return this.#sum;
  }

  /** Leaves the first `mib` of the file. */
  async shorten(mib: number): Promise<void> {
    await this.run(`truncate -s ${mib}M '${this.#file}'`);
    this.#sum = (await this.run(`sha256sum <'${this.#file}'`)).slice(0, 64);
  }

  /** What starts a program in the namespace. */
  get through(): readonly string[] {
    return ['ip', 'netns', 'exec', this.name];
  }

  /** Runs lines of shell in the namespace; returns what they printed. Throws when one fails. */
  async run(lines: string): Promise<string> {
    const [command, ...args] = [...this.through, 'sh', '-ec', lines];
    const { code, stdout, stderr } = await this.#lab.run(command!, args);
    if (code !== 0) throw new Error(`"${lines}" ended with ${code}: ${stdout}${stderr}`);
    return stdout.toString().trimEnd();
  }

  /** The interfaces whose names begin like this. */
  async interfaces(prefix: string): Promise<string[]> {
    const text = await this.run('ip -o link');
    return [...text.matchAll(/^\d+: ([^:@]+)/gm)].map(([, name]) => name!).filter(name => name.startsWith(prefix));
  }

  async destroy(): Promise<void> {
    this.#peer.kill('SIGKILL');
    await this.#peer.exited.catch(() => {});
    await this.#lab.run('ip', ['netns', 'del', this.name]);
  }

  #untilReady(): Promise<void> {
    return new Promise((resolve, reject) => {
      let text = '';
      const late = setTimeout(() => reject(new Error(`the peer does not start: ${text}`)), PEER_PATIENCE);
      const hear = (chunk: Buffer) => {
        text += chunk.toString();
        if (!text.includes('peer: ready')) return;
        clearTimeout(late);
        resolve();
      };
      this.#peer.stdout.on('data', hear);
      this.#peer.stderr.on('data', hear);
    });
  }
}

/** The static programs that guests need beyond busybox, compiled: name to path. */
export async function netTools(directory: string): Promise<Record<'ethtool' | 'flow', string>> {
  const tools = { ethtool: join(directory, 'ethtool'), flow: join(directory, 'flow') };
  for (const [name, path] of Object.entries(tools)) {
    await exec('gcc', ['-static', '-O1', '-Wall', '-Werror', '-o', path, `${HERE}/${name}.c`]);
  }
  return tools;
}

/** Lines for a guest's shell: what it does on its network. */
export const NET_SHELL = `
# Fetches the peer's file from an address and says its checksum.
fetch() { nc "$1" 7001 </dev/null >/tmp/file && sha256sum </tmp/file | cut -c1-64; }
# Sends that file, and says the checksum that the peer saw.
give() { nc "$1" 7002 </tmp/file; }
card() { ip addr add "$2" dev "$1" && ip link set "$1" up; }
# Takes the driver from a card and gives it back.
rebind() {
  bound=$(basename $(readlink -f /sys/class/net/$1/device))
  echo $bound >/sys/bus/virtio/drivers/virtio_net/unbind && echo $bound >/sys/bus/virtio/drivers/virtio_net/bind
}
`;

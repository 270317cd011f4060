/**
 * A tap as the wire of a network device: made or taken as `--tunnet` says, watched while the guest runs. That somebody switches it
 * off, renames it or takes it away is news for the guest and a line for the user, and no reason to end.
 */
import { HostError } from '../../base/errors.ts';
import { type LinkMonitor, monitorLinks } from '../../host/link-monitor.ts';
import { NetDevices } from '../../host/netdevice.ts';
import { type Tap, TUN_OFFLOAD } from '../../host/tap.ts';
import type { NetBackend, NetPort } from './backend.ts';
import type { NetOption } from './config.ts';
import { F, type Offloads } from './registers.ts';
import { openTap } from './tap-open.ts';
import { TapPort } from './tap-port.ts';

const TCP = TUN_OFFLOAD.csum | TUN_OFFLOAD.tso4 | TUN_OFFLOAD.tso6 | TUN_OFFLOAD.ecn;
const UDP = TUN_OFFLOAD.csum | TUN_OFFLOAD.uso4 | TUN_OFFLOAD.uso6;
const FLAGS: readonly (readonly [bigint, number])[] = [
  [F.GUEST_TSO4, TUN_OFFLOAD.tso4],
  [F.GUEST_TSO6, TUN_OFFLOAD.tso6],
  [F.GUEST_ECN, TUN_OFFLOAD.ecn],
];
const USO = F.GUEST_USO4 | F.GUEST_USO6;

/** What is wrong with the link, if anything. */
type Trouble = 'gone' | 'down' | 'bridge' | undefined;

export class TapWire implements NetBackend {
  readonly ports: readonly NetPort[];
  readonly offloads: Offloads;
  /** Largest packet that the host's side takes, in bytes. */
  readonly mtu: number;
  readonly #tap: Tap;
  readonly #devices = new NetDevices();
  readonly #monitor: LinkMonitor;
  readonly #bridge: { readonly name: string; readonly index: number } | undefined;
  #name: string;
  #trouble: Trouble;
  #tell: (news: string) => void = () => {};

  private constructor(tap: Tap, option: NetOption) {
    this.#tap = tap;
    this.#name = tap.name ?? '';
    this.mtu = this.#devices.mtu(this.#name);
    const index = option.kind === 'bridge' ? this.#devices.index(option.bridge) : undefined;
    this.#bridge = option.kind === 'bridge' && index !== undefined ? { name: option.bridge, index } : undefined;
    this.ports = tap.queues.map(queue => new TapPort(queue, () => this.#look()));
    this.offloads = { tcp: tap.setOffloads(TCP), udp: tap.setOffloads(UDP) };
    tap.setOffloads(0);
    tap.useQueues(1);
    this.#trouble = this.#findTrouble();
    this.#monitor = monitorLinks(() => this.#look());
  }

  /**
   * Makes or takes the tap. `address` is that of the host's end, where it gets one. Throws UsageError or HostError, one sentence and
   * a remedy, with nothing left behind.
   */
  static open(option: NetOption, address?: { readonly ip: string; readonly prefix: number }): TapWire {
    const tap = openTap(option, address);
    try {
      return new TapWire(tap, option);
    } catch (error) {
      tap.close();
      throw error;
    }
  }

  get label(): string {
    return this.#name;
  }

  get linkUp(): boolean {
    return this.#trouble === undefined;
  }

  onChange(callback: (news: string) => void): void {
    this.#tell = callback;
  }

  setOffloads(features: bigint): void {
    const flags = FLAGS.filter(([feature]) => (features & feature) !== 0n).reduce((sum, [, flag]) => sum | flag, 0);
    const uso = (features & USO) === USO && this.offloads.udp ? TUN_OFFLOAD.uso4 | TUN_OFFLOAD.uso6 : 0;
    this.#tap.setOffloads((features & F.GUEST_CSUM) === 0n ? 0 : TUN_OFFLOAD.csum | flags | uso);
  }

  setPairs(count: number): void {
    try {
      this.#tap.useQueues(count);
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      this.#look();
    }
  }

  close(): void {
    this.#monitor.close();
    this.#devices.close();
    this.#tap.close();
  }

  /** Compares what is with what was, and says what has changed. */
  #look(): void {
    const before = this.#trouble;
    const name = this.#tap.name;
    this.#trouble = this.#findTrouble();
    if (name !== undefined && name !== this.#name) {
      const news = `${this.#name} is called ${name} now`;
      this.#name = name;
      this.#tell(news);
    }
    if (this.#trouble !== before) this.#tell(this.#describe(this.#trouble));
  }

  #findTrouble(): Trouble {
    if (this.#trouble === 'gone') return 'gone';
    const name = this.#tap.name;
    if (name === undefined) return 'gone';
    if (this.#bridge && this.#devices.name(this.#bridge.index) === undefined) return 'bridge';
    try {
      return this.#devices.isUp(name) ? undefined : 'down';
    } catch (error) {
      // Renamed or removed between two questions: there will be more news.
      if (error instanceof HostError) return this.#trouble;
      throw error;
    }
  }

  #describe(trouble: Trouble): string {
    const { label } = this;
    if (trouble === 'gone') return `${label} is gone; the guest has lost its link`;
    if (trouble === 'down') return `${label} is down; the guest has lost its link`;
    if (trouble === 'bridge') return `bridge ${this.#bridge?.name} of ${label} is gone; the guest has lost its link`;
    return `${label} is up; the guest has its link`;
  }
}

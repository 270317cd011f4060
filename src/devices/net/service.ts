/**
 * The network device at work: a receiver and a sender for each pair of queues, the control queue, and the link. A driver's session
 * begins with the first queue that is served and ends with reset; what the kernel was told for one driver is taken back for the next.
 */
import { log } from '../../base/log.ts';
import type { DeviceHandle, DeviceService } from '../../virtio/device.ts';
import type { Virtqueue } from '../../virtio/virtqueue.ts';
import type { NetBackend } from './backend.ts';
import type { FrameFilter, Interceptor } from './config.ts';
import { type ControlTarget, execute, GUEST_OFFLOADS } from './control.ts';
import { HEADER } from './header.ts';
import { type FilterState, macNumber, ReceiveFilter } from './receive-filter.ts';
import { Receiver } from './receiver.ts';
import { F, NET_CONFIG, type NetConfig, queueRole, S } from './registers.ts';
import { ACK, parseControl } from './request.ts';
import { Sender } from './sender.ts';
import { NetStatistics } from './statistics.ts';

/** What the service needs of the host. */
export interface NetParts {
  readonly wire: NetBackend;
  /** The guest may only be the MAC it was given. */
  readonly lock?: FrameFilter;
  /** Answers frames in the host's stead. */
  readonly interceptor?: Interceptor;
}

/** Frames that waited in the kernel while no driver was there; more than its queue holds. */
const STALE_FRAMES = 2000;

/** One driver's time with the device. */
interface Session {
  readonly device: DeviceHandle;
  readonly filter: ReceiveFilter;
  readonly receivers: Map<number, Receiver>;
  pairs: number;
  /** GUEST_ features that are on. */
  offloads: bigint;
}

interface SavedState {
  readonly filter: FilterState;
  readonly pairs: number;
  /** Decimal digits. */
  readonly offloads: string;
}

export class NetService implements DeviceService {
  readonly statistics = new NetStatistics();
  readonly #config: NetConfig;
  readonly #parts: NetParts;
  #session: Session | undefined;
  #restored: Partial<SavedState> | undefined;

  constructor(config: NetConfig, parts: NetParts) {
    this.#config = config;
    this.#parts = parts;
    parts.wire.onChange(news => this.#linkChanged(news));
  }

  serve(index: number, queue: Virtqueue, device: DeviceHandle): Promise<void> {
    this.#session ??= this.#begin(device);
    const session = this.#session;
    const role = queueRole(index, this.#config.queuePairs, device.features);
    if (role === undefined) return queue.stopped;
    if (role.kind === 'control') return this.#control(queue, session);
    return role.kind === 'receive' ? this.#receive(role.pair, queue, session) : this.#send(role.pair, queue, session);
  }

  /** A driver without CTRL_MAC_ADDR has set its address. */
  configWritten(device: DeviceHandle): void {
    if (this.#session) this.#session.filter.mac = macNumber(device.readConfig(), 0);
  }

  reset(): void {
    this.#session = undefined;
    this.#restored = undefined;
    this.#parts.wire.setOffloads(0n);
    this.#parts.wire.setPairs(1);
  }

  counters(): Record<string, number> {
    return this.statistics.counters();
  }

  save(): unknown {
    if (!this.#session) return undefined;
    const { filter, pairs, offloads } = this.#session;
    return { filter: filter.save(), pairs, offloads: offloads.toString() } satisfies SavedState;
  }

  /** Takes effect when the queues are served again. */
  restore(state: unknown): void {
    this.#restored = typeof state === 'object' && state !== null ? (state as Partial<SavedState>) : undefined;
  }

  close(): void {
    this.#parts.wire.close();
  }

  #begin(device: DeviceHandle): Session {
    const { wire } = this.#parts;
    const session: Session = {
      device,
      filter: new ReceiveFilter(macNumber(device.readConfig(), 0)),
      receivers: new Map(),
      pairs: 1,
      offloads: device.features & GUEST_OFFLOADS,
    };
    if ((device.features & F.CTRL_VLAN) !== 0n) session.filter.filterVlans();
    if (this.#restored) this.#continue(session, this.#restored);
    wire.setOffloads(session.offloads);
    wire.setPairs(session.pairs);
    this.#throwAway();
    this.#showLink(device, this.#restored !== undefined);
    return session;
  }

  /** Goes on where a snapshot was taken; it may say anything. */
  #continue(session: Session, { filter, pairs, offloads }: Partial<SavedState>): void {
    if (filter) session.filter.restore(filter);
    if (Number.isInteger(pairs) && pairs! >= 1 && pairs! <= this.#config.queuePairs) session.pairs = pairs!;
    if (typeof offloads === 'string' && /^\d{1,20}$/.test(offloads)) session.offloads &= BigInt(offloads);
  }

  /** Frames that came for nobody, or for another driver with other features. */
  #throwAway(): void {
    const nowhere = [new Uint8Array(HEADER)];
    for (const port of this.#parts.wire.ports) {
      for (let n = 0; n < STALE_FRAMES && port.read(nowhere) > 0; n++);
    }
  }

  async #receive(pair: number, queue: Virtqueue, session: Session): Promise<void> {
    const { features } = session.device;
    const receiver = new Receiver({
      queue,
      port: this.#parts.wire.ports[pair]!,
      mergeable: (features & F.MRG_RXBUF) !== 0n,
      flagsAllowed: (features & F.GUEST_CSUM) !== 0n,
      filter: session.filter,
      lock: this.#parts.lock,
      statistics: this.statistics,
    });
    session.receivers.set(pair, receiver);
    await receiver.run();
  }

  #send(pair: number, queue: Virtqueue, session: Session): Promise<void> {
    const { wire, lock, interceptor } = this.#parts;
    const sender = new Sender({
      queue,
      port: wire.ports[pair]!,
      lock,
      interceptor,
      sent: () => session.receivers.get(pair)?.peek(),
      reply: frame => session.receivers.get(0)?.inject(frame),
      statistics: this.statistics,
    });
    return sender.run();
  }

  async #control(queue: Virtqueue, session: Session): Promise<void> {
    const target = this.#target(session);
    for (let chain = await queue.next(); chain; chain = await queue.next()) {
      const command = parseControl(chain);
      const done = execute(command, target);
      log.narrate(this.#config.name, `control ${command.class}.${command.command} ${done ? 'done' : 'refused'}`);
      command.ack[0] = done ? ACK.OK : ACK.ERR;
      queue.complete(chain, 1);
    }
  }

  #target(session: Session): ControlTarget {
    const { device } = session;
    const { wire } = this.#parts;
    return {
      filter: session.filter,
      features: device.features,
      queuePairs: this.#config.queuePairs,
      setMac: mac => device.changeConfig(config => config.set(mac)),
      setPairs: count => {
        session.pairs = count;
        wire.setPairs(count);
      },
      setOffloads: features => {
        session.offloads = features;
        wire.setOffloads(features);
      },
      announced: () => device.changeConfig(config => setStatus(config, S.ANNOUNCE, false)),
    };
  }

  #linkChanged(news: string): void {
    log.warn(`${this.#config.name}: ${news}.`);
    const { wire } = this.#parts;
    if (this.#session) this.#showLink(this.#session.device, wire.linkUp);
  }

  /** Lets the driver see the link as it is, and asks it to tell the network where it is if the wire is a new one (5.1.6.5.4). */
  #showLink(device: DeviceHandle, announce: boolean): void {
    const { linkUp } = this.#parts.wire;
    const status = NET_CONFIG.over(device.readConfig()).status;
    const wanted = announce && linkUp && (device.features & F.GUEST_ANNOUNCE) !== 0n;
    if (((status & S.LINK_UP) !== 0) === linkUp && !wanted) return;
    device.changeConfig(config => {
      setStatus(config, S.LINK_UP, linkUp);
      if (wanted) setStatus(config, S.ANNOUNCE, true);
    });
  }
}

function setStatus(config: Uint8Array, bit: number, on: boolean): void {
  const value = NET_CONFIG.over(config);
  value.status = on ? value.status | bit : value.status & ~bit;
}

/**
 * From a wire as `--tunnet` names it to a tap that is ready: made, given an address or to a bridge, brought up; or one that exists,
 * taken as it is. Whatever does not work is a sentence that says which word of the command line is meant and what to type.
 */
import { HostError, UsageError } from '../../base/errors.ts';
import { NetDevices } from '../../host/netdevice.ts';
import { Tap } from '../../host/tap.ts';
import type { NetOption } from './config.ts';

/** The kernel fills in the first number that is free. */
const NEW_NAME = 'tslaunch%d';
/** A packet and its Ethernet header are at most 64 KiB (drivers/net/tun.c, MAX_TAP_MTU). */
const MAX_TAP_MTU = 65521;

export interface WireAddress {
  readonly ip: string;
  readonly prefix: number;
}

/** Throws UsageError or HostError, with nothing left behind. */
export function openTap(option: NetOption, address?: WireAddress): Tap {
  const devices = new NetDevices();
  try {
    return option.kind === 'tap'
      ? takeTap(devices, option.tap, option.queues)
      : makeTap(devices, option, option.kind === 'address' ? option.address : address);
  } finally {
    devices.close();
  }
}

function makeTap(devices: NetDevices, option: NetOption, address: WireAddress | undefined): Tap {
  const bridge = option.kind === 'bridge' ? option.bridge : undefined;
  if (bridge !== undefined && devices.index(bridge) === undefined) {
    throw new UsageError(
      `--tunnet names the bridge ${bridge}, which does not exist.`,
      `Make it with \`ip link add ${bridge} type bridge\` and \`ip link set ${bridge} up\`.`,
    );
  }
  let tap: Tap;
  try {
    tap = Tap.open({ name: NEW_NAME, existing: false, queues: option.queues, multiQueue: option.queues > 1 });
  } catch (error) {
    throw whyNoNewTap(error);
  }
  try {
    const name = tap.name!;
    // A bridge's packets are as long as its shortest port allows: a new port must not change that for the others.
    const mtu = option.mtu ?? (bridge === undefined ? undefined : Math.min(devices.mtu(bridge), MAX_TAP_MTU));
    if (mtu !== undefined) setMtu(devices, name, mtu);
    if (address) devices.setAddress(name, address.ip, address.prefix);
    if (bridge !== undefined) addToBridge(devices, bridge, name);
    devices.setUp(name);
    return tap;
  } catch (error) {
    tap.close();
    throw error;
  }
}

function takeTap(devices: NetDevices, name: string, queues: number): Tap {
  if (devices.index(name) === undefined) {
    throw new UsageError(
      `--tunnet names the tap ${name}, which does not exist.`,
      `Make it with \`ip tuntap add dev ${name} mode tap user $USER\`, or let tslaunch make one: --tunnet ADDRESS.`,
    );
  }
  const take = (multiQueue: boolean) => Tap.open({ name, existing: true, queues: multiQueue ? queues : 1, multiQueue });
  try {
    return take(queues > 1);
  } catch (error) {
    if (errnoOf(error) !== 'EINVAL') throw whyNotTaken(error, name);
    // It was made for several queues, or for one; or it is no tap at all.
    try {
      if (queues === 1) return take(true);
      take(false).close();
    } catch (second) {
      throw whyNotTaken(second, name);
    }
    throw new UsageError(
      `--tunnet asks for ${queues} queues, but the tap ${name} was made for one.`,
      `Make it with \`ip tuntap add dev ${name} mode tap multi_queue\`, or leave queues= out.`,
    );
  }
}

function setMtu(devices: NetDevices, name: string, mtu: number): void {
  try {
    devices.setMtu(name, mtu);
  } catch (error) {
    if (errnoOf(error) !== 'EINVAL') throw error;
    throw new UsageError(
      `--tunnet mtu ${mtu} is not what a tap of this host takes.`,
      `Give one from 68 to ${MAX_TAP_MTU}.`,
    );
  }
}

function addToBridge(devices: NetDevices, bridge: string, name: string): void {
  try {
    devices.addToBridge(bridge, devices.index(name)!);
  } catch (error) {
    if (errnoOf(error) !== 'EOPNOTSUPP') throw error;
    throw new UsageError(
      `--tunnet names ${bridge} as a bridge, but it is none.`,
      '`ip link show type bridge` lists them.',
    );
  }
}

const RIGHTS =
  'Start tslaunch with sudo, or have root make a tap for you (`ip tuntap add dev tap0 mode tap user $USER`) and give --tunnet tap:tap0.';

function whyNoNewTap(error: unknown): unknown {
  const errno = errnoOf(error);
  const details = { syscall: 'TUNSETIFF', errno: errno ?? 'EIO', cause: error };
  if (errno === 'EPERM') return new HostError('Making a tap for --tunnet is not permitted.', RIGHTS, details);
  return noTunFile(error) ?? error;
}

function whyNotTaken(error: unknown, name: string): unknown {
  const errno = errnoOf(error);
  const details = { syscall: 'TUNSETIFF', errno: errno ?? 'EIO', cause: error };
  if (errno === 'EBUSY') {
    return new HostError(`The tap ${name} is in use by another process.`, 'Give each guest a tap of its own.', details);
  }
  if (errno === 'EPERM') {
    return new HostError(
      `The tap ${name} belongs to somebody else.`,
      `Have root make it for you: \`ip tuntap add dev ${name} mode tap user $USER\`.`,
      details,
    );
  }
  if (errno === 'EINVAL') {
    return new UsageError(`--tunnet names ${name} as a tap, but it is none.`, '`ip tuntap` lists them.');
  }
  return noTunFile(error) ?? error;
}

function noTunFile(error: unknown): HostError | undefined {
  if (!(error instanceof HostError) || error.syscall !== 'open') return undefined;
  const denied = error.errno === 'EACCES' || error.errno === 'EPERM';
  return new HostError(
    `--tunnet needs /dev/net/tun, which ${denied ? 'you may not open' : 'this host does not have'}.`,
    denied ? 'Start tslaunch with sudo, or have root run `chmod 666 /dev/net/tun`.' : 'Load it with `modprobe tun`.',
    { syscall: 'open', errno: error.errno ?? 'EIO', cause: error },
  );
}

function errnoOf(error: unknown): string | undefined {
  return error instanceof HostError ? error.errno : undefined;
}

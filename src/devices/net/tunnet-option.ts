/**
 * `--tunnet WIRE[:MAC][,option...]`: one network device on the command line. The wire is an address for a new tap, a bridge that
 * a new tap joins, a tap that is there already, `local` or `none`. Whether bridge and tap exist is found out when they are opened.
 */
import { isIPv6 } from 'node:net';
import { UsageError } from '../../base/errors.ts';
import { nearest, parseOptionList } from '../option-list.ts';
import type { NetOption, NetWire } from './config.ts';
import { parseHostAddress } from './host-address.ts';
import { interfaceName } from './interface-name.ts';
import { normalMac, whyNoMac } from './mac.ts';

/** RFC 791, 3.2: every link carries 68 bytes; and what 16 bits of total length allow. */
const MIN_MTU = 68;
const MAX_MTU = 65535;
/** One pair for each vCPU is the most that a driver uses, and a machine has at most 32. */
export const MAX_QUEUE_PAIRS = 32;

const KEYS = ['mtu', 'locked', 'queues', 'mac'];
const WIRES = ['bridge', 'tap', 'local', 'none'];
const FORMS = 'Write an address such as 192.168.5.1/24, bridge:NAME, tap:NAME, local or none';

/** Throws UsageError, one sentence and a remedy, for whatever is wrong. Looks at no interface. */
export function parseTunnetOption(text: string): NetOption {
  const { head, entries } = parseOptionList('--tunnet', text, KEYS);
  if (entries.get('locked') !== undefined) {
    throw new UsageError(`--tunnet ${text} gives "locked" a value.`, 'Write locked alone.');
  }
  const { wire, mac: first } = splitWire(head);
  const second = entries.get('mac');
  if (entries.has('mac') && first !== undefined) {
    throw new UsageError(`--tunnet ${text} gives two MAC addresses.`, 'Give it once.');
  }
  const mac = entries.has('mac') ? macOf(second ?? '') : first === undefined ? undefined : macOf(first);
  return {
    ...wire,
    ...(mac === undefined ? {} : { mac }),
    ...(entries.has('mtu') ? { mtu: mtuOf(entries.get('mtu') ?? '') } : {}),
    locked: entries.has('locked'),
    queues: entries.has('queues') ? queuesOf(entries.get('queues') ?? '') : 1,
  };
}

/** All `--tunnet` of one command line: what two devices cannot share is refused. */
export function parseTunnetOptions(texts: readonly string[]): NetOption[] {
  const options = texts.map(parseTunnetOption);
  once(
    options,
    option => (option.kind === 'tap' ? `tap ${option.tap}` : undefined),
    'Give each device a tap of its own.',
  );
  once(
    options,
    option => (option.kind === 'address' ? `address ${option.address.ip}` : undefined),
    'Give each device an address of its own.',
  );
  once(
    options,
    option => (option.mac === undefined ? undefined : `MAC address ${option.mac}`),
    'Give each device one of its own, or none and it gets one.',
  );
  return options;
}

function once(options: readonly NetOption[], named: (option: NetOption) => string | undefined, remedy: string): void {
  const names = options.map(named);
  const twice = names.find((name, i) => name !== undefined && names.indexOf(name) !== i);
  if (twice !== undefined) throw new UsageError(`--tunnet names the ${twice} twice.`, remedy);
}

/** The word before the first comma: the wire, and the text behind the colon that follows it. */
function splitWire(head: string): { wire: NetWire; mac: string | undefined } {
  if (head === '') throw new UsageError('--tunnet names no network.', `${FORMS}.`);
  if (isIPv6(head))
    throw new UsageError(`--tunnet ${head} is an IPv6 address.`, 'Give an IPv4 address such as 192.168.5.1/24.');
  const [word = '', ...rest] = head.split(':');
  if (word === 'local' || word === 'none') return { wire: { kind: word }, mac: macText(rest) };
  if (word === 'bridge')
    return { wire: { kind: word, bridge: interfaceName(word, rest[0]) }, mac: macText(rest.slice(1)) };
  if (word === 'tap') return { wire: { kind: word, tap: interfaceName(word, rest[0]) }, mac: macText(rest.slice(1)) };
  if (/^[\d.]+(\/.*)?$/.test(word))
    return { wire: { kind: 'address', address: parseHostAddress(word) }, mac: macText(rest) };
  throw unknownWire(word);
}

function macText(parts: readonly string[]): string | undefined {
  return parts.length === 0 ? undefined : parts.join(':');
}

function unknownWire(word: string): UsageError {
  const near = nearest(word, WIRES);
  const remedy =
    near === undefined ? `${FORMS}.` : `Did you mean ${near}${near === 'bridge' || near === 'tap' ? ':NAME' : ''}?`;
  return new UsageError(`--tunnet does not know "${word}".`, remedy);
}

function macOf(text: string): string {
  const why = whyNoMac(text);
  if (why === undefined) return normalMac(text);
  throw new UsageError(
    `--tunnet MAC address "${text}" ${why}.`,
    'Write one such as 02:00:00:00:00:01, or none and the device gets one.',
  );
}

function mtuOf(text: string): number {
  const mtu = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (mtu >= MIN_MTU && mtu <= MAX_MTU) return mtu;
  throw new UsageError(
    `--tunnet mtu "${text}" is out of range.`,
    `Give a number of bytes from ${MIN_MTU} to ${MAX_MTU}.`,
  );
}

function queuesOf(text: string): number {
  const queues = /^\d+$/.test(text) ? Number(text) : 0;
  if (queues >= 1 && queues <= MAX_QUEUE_PAIRS) return queues;
  throw new UsageError(
    `--tunnet queues "${text}" is not a number of queue pairs.`,
    `Give a whole number from 1 to ${MAX_QUEUE_PAIRS}.`,
  );
}

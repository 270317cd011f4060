/** From words to a machine's configuration: every value checked, no file touched, nothing started. */
import { resolve } from 'node:path';
import { UsageError } from '../base/errors.ts';
import { type BlockOption, parseBlockOption } from '../devices/block/options.ts';
import { parseTunnetOptions } from '../devices/net/tunnet-option.ts';
import { parseCdromOption } from '../devices/scsi/options.ts';
import { ENTRY_PROTOCOLS, type EntryProtocol, MAX_CPUS, MAX_DEVICES, type MachineConfig } from '../machine/config.ts';
import { parseMemory } from './memory-size.ts';
import { observationOf } from './observation.ts';
import { USAGE } from './options.ts';
import type { Words } from './words.ts';

/** What of the host and the process the command line is checked against. */
export interface Environment {
  /** RAM of the host in bytes. */
  readonly hostMemory: number;
  /** The working directory, for telling whether two names are one file. */
  readonly cwd: string;
}

/** Throws UsageError with the first mistake. */
export function configure({ options, operands }: Words, environment: Environment): MachineConfig {
  const [memory, kernelPath, ...commandLine] = operands;
  if (memory === undefined) throw new UsageError('No memory size and no kernel given.', `Usage: ${USAGE}`);
  const memoryBytes = parseMemory(memory, environment.hostMemory);
  if (!kernelPath) throw new UsageError('No kernel given.', `Usage: ${USAGE}`);
  const value = (name: string) => options.get(name)?.[0];
  const initrdPath = value('initrd');
  const username = value('username');
  const chroot = value('chroot');
  const config: MachineConfig = {
    memoryBytes,
    cpus: parseCpus(value('cpus') ?? '1'),
    kernelPath,
    ...(initrdPath === undefined ? {} : { initrdPath }),
    commandLine,
    blocks: parseBlocks(options.get('block') ?? [], environment.cwd),
    cdroms: (options.get('cdrom') ?? []).map(parseCdromOption),
    networks: parseTunnetOptions(options.get('tunnet') ?? []),
    rng: options.has('rng'),
    ...(username === undefined ? {} : { username }),
    ...(chroot === undefined ? {} : { chroot }),
    verbose: options.has('verbose'),
    entry: parseEntry(value('entry') ?? 'auto'),
    ...observationOf(options),
  };
  refuseTooMany(config);
  return config;
}

/** Each device has a PCI slot, and the console has one, too. */
function refuseTooMany({ blocks, cdroms, networks, rng }: MachineConfig): void {
  const devices = 1 + blocks.length + cdroms.length + networks.length + (rng ? 1 : 0);
  if (devices <= MAX_DEVICES) return;
  throw new UsageError(
    `The guest would have ${devices} devices with its console, more than the ${MAX_DEVICES} that fit.`,
    'Leave some out.',
  );
}

function parseCpus(text: string): number {
  const cpus = /^\d+$/.test(text) ? Number(text) : 0;
  if (cpus >= 1 && cpus <= MAX_CPUS) return cpus;
  throw new UsageError(`--cpus ${text} is not a number of vCPUs.`, `Give a whole number from 1 to ${MAX_CPUS}.`);
}

function parseEntry(text: string): EntryProtocol {
  const entry = ENTRY_PROTOCOLS.find(each => each === text);
  if (entry) return entry;
  throw new UsageError(`--entry ${text} is no entry protocol.`, `Give one of ${ENTRY_PROTOCOLS.join(', ')}.`);
}

/** Two guests' views of one disk may only differ if nobody writes; links to one file are found out later, by its lock. */
function parseBlocks(texts: readonly string[], cwd: string): BlockOption[] {
  const blocks = texts.map(parseBlockOption);
  const seen = new Map<string, BlockOption>();
  for (const block of blocks) {
    const path = resolve(cwd, block.file);
    const other = seen.get(path);
    if (other && !(other.readOnly && block.readOnly)) {
      throw new UsageError(
        `--block ${block.file} is given twice, and a disk that is written can only be used once.`,
        `Give it once, or both times as ${block.file},ro.`,
      );
    }
    seen.set(path, block);
  }
  return blocks;
}

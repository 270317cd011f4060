// What can be said on a benchmark's command line: the same words for all of them, each using what concerns it.
import { parseArgs } from 'node:util';
import { FixtureError } from '../fixtures/support/errors.ts';

export interface BenchOptions {
  name: string;
  samples: number;
  memory: number | undefined;
  cpus: number | undefined;
  kernel: string | undefined;
  initrd: string | undefined;
  disks: string[];
  until: string | undefined;
  only: string | undefined;
  /** One half of a benchmark that has two. */
  part: 'tiny' | 'linux' | undefined;
  lab: boolean;
  here: boolean;
  /** Words for the guest's command line. */
  arguments: string[];
}

export const USAGE = `Usage: npm run bench -- NAME [options] [-- guest arguments...]

  start   exec to a tiny guest's first byte
  boot    exec to the first line of a Linux guest's init (--kernel, --disk, --initrd; default: Debian's kernel)
  exits   what an exit costs, beside a bare KVM_RUN loop in C
  block   requests and bytes a second of a virtio disk, raw and qcow2, beside QEMU's two ways of doing I/O
  net     frames, bytes and round trips through a virtio network device on a tap

  --samples N     samples of each launcher, taken in turns (default 5)
  --memory MIB    the guest's memory
  --cpus N        the guest's processors
  --kernel FILE, --initrd FILE, --disk FILE (repeatable), --until TEXT
  --only A,B      only these of tslaunch, qemu-microvm, qemu-q35, qemu-threads, qemu-io_uring; of exits, 'tslaunch --no-decode' and
                  bare-loop as well
  --part PART     of block and net, tiny (the device's side alone) or linux (Linux guests) only
  --lab           run in the lab (boot and the Linux guests of block and net do, where this machine's KVM has no hardware behind it)
  --here          run here, whatever KVM there is
`;

/** What of the options the same benchmark must be told again where it runs in another place. */
export function again({ samples, only, arguments: words }: BenchOptions): string[] {
  const contenders = only === undefined ? [] : ['--only', only];
  return ['--samples', String(samples), ...contenders, ...(words.length > 0 ? ['--', ...words] : [])];
}

export function parseOptions(argv: readonly string[]): BenchOptions | 'help' {
  try {
    const split = argv.indexOf('--');
    const { values, positionals } = parseArgs({
      args: split < 0 ? [...argv] : argv.slice(0, split),
      allowPositionals: true,
      options: {
        ...{ samples: { type: 'string', default: '5' }, memory: { type: 'string' }, cpus: { type: 'string' } },
        ...{
          kernel: { type: 'string' },
          initrd: { type: 'string' },
          until: { type: 'string' },
          only: { type: 'string' },
          part: { type: 'string' },
        },
        disk: { type: 'string', multiple: true, default: [] },
        ...{ lab: { type: 'boolean', default: false }, here: { type: 'boolean', default: false } },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) return 'help';
    const [name, ...rest] = positionals;
    if (!name || rest.length) throw new Error('name one benchmark');
    return {
      name,
      samples: wholeNumber('--samples', values.samples)!,
      memory: wholeNumber('--memory', values.memory),
      cpus: wholeNumber('--cpus', values.cpus),
      kernel: values.kernel,
      initrd: values.initrd,
      disks: values.disk,
      until: values.until,
      only: values.only,
      part: partOf(values.part),
      lab: values.lab,
      here: values.here,
      arguments: split < 0 ? [] : argv.slice(split + 1),
    };
  } catch (error) {
    throw new FixtureError(`bench: ${(error as Error).message}. Try npm run bench -- --help.`);
  }
}

function partOf(text: string | undefined): 'tiny' | 'linux' | undefined {
  if (text === undefined || text === 'tiny' || text === 'linux') return text;
  throw new Error(`--part ${text} is neither tiny nor linux`);
}

function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`${option} ${text} is not a whole number above 0`);
  return Number(text);
}

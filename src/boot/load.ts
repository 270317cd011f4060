/**
 * The way from files to a machine that can start: look at the kernel, check everything, fill guest memory, say how the first CPU
 * begins. All refusals come before the first write of a kernel byte, and all are UsageErrors.
 */
import { hex, MiB } from '../base/bits.ts';
import { UsageError } from '../base/errors.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import { PVH_START_INFO, ZERO_PAGE } from '../memory/map.ts';
import type { CpuEntry } from '../x86/cpu-entry.ts';
import { writeAcpiTables } from './acpi/tables.ts';
import { writeBiosData } from './bios-data.ts';
import { isBzImage } from './bzimage/parse.ts';
import { planBzImage } from './bzimage/plan.ts';
import { encodeCommandLine, writeCommandLine } from './command-line.ts';
import { linux32Entry, linux64Entry, pvhEntry, writeGdt } from './cpu-entry.ts';
import { isElf } from './elf/format.ts';
import { planElf } from './elf/plan.ts';
import { HEAD_SIZE, identify } from './identify.ts';
import { loadInitrd, placeInitrd } from './initrd.ts';
import { writeMpTable } from './mp-table.ts';
import { writePageTables } from './page-tables.ts';
import type { BootPlan, EntryChoice, KernelFormat } from './plan.ts';
import { writeStartInfo } from './pvh.ts';
import type { Range } from './range.ts';
import { type KernelSource, readBytes } from './source.ts';
import { writeZeroPage } from './zero-page.ts';

/** As many as the tables have room for with certainty. */
const MAX_CPUS = 32;

export interface GuestImage {
  /** Must read as zero everywhere: what a kernel expects to be zero is not written. */
  readonly memory: GuestMemory;
  readonly kernel: KernelSource;
  readonly initrd?: KernelSource | undefined;
  readonly commandLine: string;
  /** 1 to 32: as many processors the tables announce. */
  readonly cpus: number;
  /** Which of an ELF kernel's entries to use; see {@link EntryChoice}. Default `auto`. */
  readonly entry?: EntryChoice | undefined;
}

export interface LoadedGuest {
  /** How the first CPU starts. The others wait for INIT and SIPI. */
  readonly entry: CpuEntry;
  readonly format: KernelFormat;
  /** First to last byte that the kernel occupies while it starts. */
  readonly kernelRange: Range;
  readonly initrdRange: Range | undefined;
  /** Address of the ACPI root pointer. */
  readonly rsdp: number;
  /** One line each for `--verbose`. */
  readonly summary: readonly string[];
}

/** Fills guest memory so that the first CPU can start. Throws UsageError with one sentence and a remedy; never anything else. */
export function loadGuest(image: GuestImage): LoadedGuest {
  const { memory, kernel, initrd, cpus } = image;
  if (!Number.isInteger(cpus) || cpus < 1 || cpus > MAX_CPUS) {
    throw new UsageError(`${cpus} CPUs cannot be had.`, `Use 1 to ${MAX_CPUS}.`);
  }
  const plan = planKernel(memory, kernel, image.entry ?? 'auto');
  const commandLine = encodeCommandLine(image.commandLine, plan.commandLineMax, kernel.path);
  const limits = { max: plan.initrdMax, above4G: plan.initrdAbove4G, kernel: plan.occupied };
  const initrdRange = initrd && placeInitrd(memory, initrd, limits);

  plan.load();
  if (initrd && initrdRange) loadInitrd(memory, initrd, initrdRange);
  writeCommandLine(memory, commandLine);
  writeBiosData(memory);
  const rsdp = writeAcpiTables(memory, cpus);
  writeMpTable(memory, cpus);
  const entry = enter(memory, plan, initrdRange, rsdp);
  const kernelRange = {
    start: Math.min(...plan.occupied.map(range => range.start)),
    end: Math.max(...plan.occupied.map(range => range.end)),
  };
  const summary = [
    `${kernel.path}: ${plan.description}, ${hex(kernelRange.start)} to ${hex(kernelRange.end)}, entered at ${hex(plan.entryPoint)}`,
    ...(initrd && initrdRange ? [`${initrd.path}: initrd of ${initrd.size} bytes at ${hex(initrdRange.start)}`] : []),
    `${memory.size / MiB} MiB of memory, ${cpus} ${cpus === 1 ? 'CPU' : 'CPUs'}, ACPI tables at ${hex(rsdp)}`,
    `command line: ${image.commandLine}`,
  ];
  return { entry, format: plan.format, kernelRange, initrdRange, rsdp, summary };
}

function planKernel(memory: GuestMemory, kernel: KernelSource, choice: EntryChoice): BootPlan {
  const head = readBytes(kernel, 0, Math.min(kernel.size, HEAD_SIZE));
  if (isElf(head)) return planElf(memory, kernel, head, choice);
  if (isBzImage(head)) return planBzImage(memory, kernel, head, choice);
  const { what, remedy } = identify(head);
  throw new UsageError(
    `${kernel.path} is not a kernel but ${what}.`,
    remedy.replace('FILE', () => shellWord(kernel.path)),
  );
}

/** A path as one types it: a remedy is there to be copied. */
function shellWord(path: string): string {
  return /^[\w./+@:-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

function enter(memory: GuestMemory, plan: BootPlan, initrd: Range | undefined, rsdp: number): CpuEntry {
  const entry =
    plan.protocol === 'pvh'
      ? pvhEntry(plan.entryPoint, PVH_START_INFO)
      : plan.protocol === 'linux64'
        ? linux64Entry(plan.entryPoint, ZERO_PAGE)
        : linux32Entry(plan.entryPoint, ZERO_PAGE);
  if (plan.protocol === 'pvh') {
    writeStartInfo(memory, initrd, rsdp);
  } else {
    const { setupHeader, code32Start } = plan;
    writeZeroPage({ memory, setupHeader, initrd, rsdp, ...(code32Start === undefined ? {} : { code32Start }) });
  }
  if (plan.protocol === 'linux64') writePageTables(memory);
  writeGdt(memory, entry);
  return entry;
}

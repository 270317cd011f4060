/** From an ELF file to a boot plan: which entry, which protocol, which limits. */
import { UsageError } from '../../base/errors.ts';
import type { GuestMemory } from '../../memory/guest-memory.ts';
import { PCI_HOLE_START } from '../../memory/map.ts';
import { ELF_COMMAND_LINE_MAX } from '../command-line.ts';
import type { BootPlan, EntryChoice } from '../plan.ts';
import type { KernelSource } from '../source.ts';
import { elfSetupHeader } from '../zero-page.ts';
import { checkSegments, entryPoint, loadSegments, looksLikeLinux, occupied, pvhEntryAddress } from './load.ts';
import { type ElfImage, parseElf } from './parse.ts';

/** A 32-bit kernel maps its first 896 MiB only; a 64-bit one reaches all RAM below the PCI hole. */
const INITRD_MAX_32 = 0x37ff_ffff;
const INITRD_MAX_64 = PCI_HOLE_START - 1;

/** Throws UsageError if the kernel cannot be loaded into this guest. */
export function planElf(memory: GuestMemory, source: KernelSource, head: Uint8Array, choice: EntryChoice): BootPlan {
  const image = parseElf(source, head);
  checkSegments(memory, source, image);
  const pvh = choosePvh(source, image, choice);
  const door = pvh === undefined ? linuxDoor(source, image) : pvhDoor(source, image, pvh);
  return {
    ...door,
    occupied: image.segments.map(occupied),
    initrdMax: image.bits === 64 && pvh === undefined ? INITRD_MAX_64 : INITRD_MAX_32,
    initrdAbove4G: false,
    commandLineMax: ELF_COMMAND_LINE_MAX,
    code32Start: undefined,
    load: () => loadSegments(memory, source, image),
  };
}

type Door = Pick<BootPlan, 'format' | 'protocol' | 'entryPoint' | 'setupHeader' | 'description'>;

function linuxDoor(source: KernelSource, image: ElfImage): Door {
  return {
    format: image.bits === 64 ? 'elf64' : 'elf32',
    protocol: image.bits === 64 ? 'linux64' : 'linux32',
    entryPoint: entryPoint(source, image),
    setupHeader: elfSetupHeader(ELF_COMMAND_LINE_MAX),
    description: `${image.bits}-bit ELF kernel, Linux boot protocol`,
  };
}

function pvhDoor(source: KernelSource, image: ElfImage, entry: number): Door {
  return {
    format: 'pvh',
    protocol: 'pvh',
    entryPoint: pvhEntryAddress(source, image, entry),
    setupHeader: new Uint8Array(0),
    description: `${image.bits}-bit ELF kernel, PVH boot protocol`,
  };
}

function choosePvh(source: KernelSource, image: ElfImage, choice: EntryChoice): number | undefined {
  if (choice === 'linux') return undefined;
  if (choice === 'auto') return looksLikeLinux(image) ? undefined : image.pvhEntry;
  if (image.pvhEntry === undefined) {
    throw new UsageError(
      `${source.path} has no PVH note.`,
      'Enter it by the Linux boot protocol, or build it with CONFIG_PVH.',
    );
  }
  return image.pvhEntry;
}

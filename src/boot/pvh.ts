/**
 * PVH: the boot protocol that Xen defined and QEMU, Firecracker and the BSDs adopted. One structure says where command line,
 * initrd, memory map and ACPI tables are (Xen, xen/include/public/arch-x86/hvm/start_info.h).
 */
import { struct, u32, u64 } from '../base/struct.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import { COMMAND_LINE, PVH_START_INFO } from '../memory/map.ts';
import { e820Map } from './e820.ts';
import type { Range } from './range.ts';

const MAGIC = 0x336e_c578;
/** Version 1 has the memory map. */
const VERSION = 1;

export const hvmStartInfo = struct(56, {
  magic: u32(0),
  version: u32(4),
  flags: u32(8),
  modules: u32(12),
  moduleList: u64(16),
  commandLine: u64(24),
  rsdp: u64(32),
  memoryMap: u64(40),
  memoryMapEntries: u32(48),
});

export const hvmModule = struct(32, { start: u64(0), size: u64(8), commandLine: u64(16) });
export const hvmMemoryMapEntry = struct(24, { start: u64(0), size: u64(8), type: u32(16) });

const MODULES = PVH_START_INFO + 0x40;
const MEMORY_MAP = PVH_START_INFO + 0x80;

/** Writes the start information to PVH_START_INFO; the command line is expected at COMMAND_LINE. */
export function writeStartInfo(memory: GuestMemory, initrd: Range | undefined, rsdp: number | undefined): void {
  const page = memory.bytes(PVH_START_INFO, 0x1000).fill(0);
  const map = e820Map(memory);
  const info = hvmStartInfo.over(page);
  info.magic = MAGIC;
  info.version = VERSION;
  info.commandLine = BigInt(COMMAND_LINE);
  info.rsdp = BigInt(rsdp ?? 0);
  info.memoryMap = BigInt(MEMORY_MAP);
  info.memoryMapEntries = map.length;
  if (initrd) {
    info.modules = 1;
    info.moduleList = BigInt(MODULES);
    const module = hvmModule.over(page, MODULES - PVH_START_INFO);
    module.start = BigInt(initrd.start);
    module.size = BigInt(initrd.end - initrd.start);
  }
  map.forEach((entry, i) => {
    const at = hvmMemoryMapEntry.over(page, MEMORY_MAP - PVH_START_INFO + i * hvmMemoryMapEntry.size);
    at.start = BigInt(entry.start);
    at.size = BigInt(entry.length);
    at.type = entry.type;
  });
}

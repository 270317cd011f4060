/** Structures of the KVM interface on x86-64 (Linux uapi linux/kvm.h, asm/kvm.h), as tables of offsets. */
import { bytes, struct, u8, u16, u32, u64 } from '../base/struct.ts';

export const memoryRegion = struct(32, {
  slot: u32(0),
  flags: u32(4),
  guestPhysAddr: u64(8),
  memorySize: u64(16),
  userspaceAddr: u64(24),
});

export const enableCap = struct(104, { cap: u32(0), flags: u32(4), arg0: u64(8), arg1: u64(16) });

export const pitConfig = struct(64, { flags: u32(0) });
/** The in-kernel PIT also answers port 0x61. */
export const PIT_SPEAKER_DUMMY = 1;

/** struct kvm_guest_debug. */
export const guestDebug = struct(72, { control: u32(0), address0: u64(8), control7: u64(8 + 7 * 8) });
export const GUESTDBG_ENABLE = 1;
export const GUESTDBG_USE_HW_BP = 0x2_0000;

/** struct kvm_msr_filter with its first range. */
export const msrFilter = struct(392, {
  flags: u32(0),
  rangeFlags: u32(8),
  count: u32(12),
  base: u32(16),
  bitmap: u64(24),
});
export const MSR_FILTER_WRITE = 2;
/** KVM_MSR_EXIT_REASON_FILTER. */
export const MSR_EXIT_REASON_FILTER = 4;

export const irqLevel = struct(8, { irq: u32(0), level: u32(4) });

export const irqFd = struct(32, { fd: u32(0), gsi: u32(4), flags: u32(8), resamplefd: u32(12) });
export const IRQFD_DEASSIGN = 1;

export const ioEventFd = struct(64, { datamatch: u64(0), addr: u64(8), len: u32(16), fd: u32(20), flags: u32(24) });
export const IOEVENTFD_DEASSIGN = 4;

/** struct kvm_irqchip holding a PIC: chip id 0 or 1, then struct kvm_pic_state. */
export const picChip = struct(520, { chipId: u32(0), elcr: u8(8 + 14), elcrMask: u8(8 + 15) });

export const routingHeader = struct(8, { count: u32(0), flags: u32(4) });
export const routingEntry = struct(48, {
  gsi: u32(0),
  type: u32(4),
  flags: u32(8),
  /** IRQCHIP: chip and pin. MSI: address low, high, data. */
  irqchip: u32(16),
  pin: u32(20),
  addressLow: u32(16),
  addressHigh: u32(20),
  data: u32(24),
});
export const ROUTING_IRQCHIP = 1;
export const ROUTING_MSI = 2;

export const cpuidEntry = struct(40, {
  function: u32(0),
  index: u32(4),
  flags: u32(8),
  eax: u32(12),
  ebx: u32(16),
  ecx: u32(20),
  edx: u32(24),
});

export const msrEntry = struct(16, { index: u32(0), data: u64(8) });

export {
  SEGMENT_OFFSETS as SREGS_SEGMENTS,
  segmentStruct as segment,
  systemRegisters as sregs,
} from '../x86/system-registers.ts';

export const regs = struct(144, {
  rax: u64(0x00),
  rbx: u64(0x08),
  rcx: u64(0x10),
  rdx: u64(0x18),
  rsi: u64(0x20),
  rdi: u64(0x28),
  rsp: u64(0x30),
  rbp: u64(0x38),
  r8: u64(0x40),
  r9: u64(0x48),
  r10: u64(0x50),
  r11: u64(0x58),
  r12: u64(0x60),
  r13: u64(0x68),
  r14: u64(0x70),
  r15: u64(0x78),
  rip: u64(0x80),
  rflags: u64(0x88),
});

/** struct kvm_run up to the union, and the members of the union that the launcher reads. */
export const run = struct(2352, {
  requestInterruptWindow: u8(0),
  immediateExit: u8(1),
  exitReason: u32(8),
  ioDirection: u8(0x20),
  ioSize: u8(0x21),
  ioPort: u16(0x22),
  ioCount: u32(0x24),
  ioDataOffset: u64(0x28),
  mmioAddress: u64(0x20),
  mmioData: bytes(0x28, 8),
  mmioLength: u32(0x30),
  mmioIsWrite: u8(0x34),
  failEntryReason: u64(0x20),
  internalSuberror: u32(0x20),
  internalDataCount: u32(0x24),
  systemEventType: u32(0x20),
  msrError: u8(0x20),
  msrIndex: u32(0x2c),
  msrData: u64(0x30),
  emulationFlags: u64(0x28),
  emulationInsnSize: u8(0x30),
  emulationInsnBytes: bytes(0x31, 15),
  validRegs: u64(0x120),
  dirtyRegs: u64(0x128),
  syncRegs: bytes(0x130, 144),
  syncSregs: bytes(0x130 + 144, 312),
  syncEvents: bytes(0x130 + 144 + 312, 64),
});
/** kvm_valid_regs and kvm_dirty_regs bits. */
export const SYNC_REGS = 1n;
export const SYNC_SREGS = 2n;
export const SYNC_EVENTS = 4n;

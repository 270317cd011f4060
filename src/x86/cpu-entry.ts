/**
 * The state in which a CPU starts to run a kernel, as plain values that src/kvm turns into KVM_SET_REGS and KVM_SET_SREGS.
 * Field meanings are those of the Intel SDM volume 3, 3.4.5 (segment descriptors) and 2.5 (control registers).
 */
export interface Segment {
  readonly selector: number;
  readonly base: number;
  /** In bytes, granularity already applied (0xffffffff for a flat segment). */
  readonly limit: number;
  readonly type: number;
  readonly s: 0 | 1;
  readonly dpl: 0 | 1 | 2 | 3;
  readonly present: 0 | 1;
  readonly avl: 0 | 1;
  readonly l: 0 | 1;
  readonly db: 0 | 1;
  readonly g: 0 | 1;
}

export interface DescriptorTable {
  readonly base: number;
  readonly limit: number;
}

/** General registers that an entry protocol defines; all others are zero. RFLAGS is always 2. */
export interface EntryRegisters {
  readonly rip: bigint;
  readonly rsp?: bigint;
  readonly rbx?: bigint;
  readonly rsi?: bigint;
}

export interface CpuEntry {
  readonly registers: EntryRegisters;
  readonly cs: Segment;
  /** Used for DS, ES, FS, GS and SS alike. */
  readonly data: Segment;
  readonly tr: Segment;
  readonly gdt: DescriptorTable;
  readonly idt: DescriptorTable;
  readonly cr0: bigint;
  readonly cr3: bigint;
  readonly cr4: bigint;
  readonly efer: bigint;
}

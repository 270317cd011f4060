/** What somebody wants to see of a running guest: plain data, from the command line to every vCPU's thread. */

/** What a trace may show. Each exit belongs to one of them: PCI configuration, a virtio device's registers, other ports, other memory, an instruction of ours. */
export const TRACE_CLASSES = ['io', 'mmio', 'pci', 'virtio', 'emulate'] as const;
export type TraceClass = (typeof TRACE_CLASSES)[number];

export const TRACE_FORMATS = ['text', 'json'] as const;
export type TraceFormat = (typeof TRACE_FORMATS)[number];

export interface TraceConfig {
  readonly classes: readonly TraceClass[];
  readonly format: TraceFormat;
  /** Standard error without it. */
  readonly file?: string;
}

/** Part of a machine's configuration; absent when nobody asks, and then nothing of it costs anything. */
export interface Observation {
  /** Count exits, registers and instructions, and print them at the end. */
  readonly statistics: boolean;
  /** Absent: no trace. Exits are decoded in any case. */
  readonly trace?: TraceConfig;
}

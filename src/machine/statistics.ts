/** What a vCPU did, counted on its thread and added up on main: plain maps that cross threads as they are. */

export interface Statistics {
  /** By KVM's name for the exit. */
  readonly exits: Map<string, number>;
  /** By direction, device and register, for example `read serial.LSR`. */
  readonly registers: Map<string, number>;
  /** By mnemonic: what our own emulator ran. */
  readonly emulated: Map<string, number>;
  /** Exceptions that our emulator gave to the guest, by name. */
  readonly exceptions: Map<string, number>;
  /** Disagreements between KVM and the instruction, the first few in full. */
  readonly disagreements: string[];
  /** Exits whose instruction was found, and those where it disagrees with KVM. */
  decoded: number;
  mismatches: number;
  /** How often bytes were taken to the disassembler, and how often they were known already. */
  cacheMisses: number;
  cacheHits: number;
  /** System calls that KVM had left half done. */
  systemCalls: number;
}

const KEPT_DISAGREEMENTS = 8;

export function noStatistics(): Statistics {
  return {
    exits: new Map(),
    registers: new Map(),
    emulated: new Map(),
    exceptions: new Map(),
    disagreements: [],
    decoded: 0,
    mismatches: 0,
    cacheMisses: 0,
    cacheHits: 0,
    systemCalls: 0,
  };
}

export function count(map: Map<string, number>, key: string, times = 1): void {
  map.set(key, (map.get(key) ?? 0) + times);
}

export function disagree(statistics: Statistics, reason: string): void {
  if (statistics.disagreements.length < KEPT_DISAGREEMENTS) statistics.disagreements.push(reason);
}

/** Adds `more` to `sum`. */
export function addStatistics(sum: Statistics, more: Statistics): void {
  for (const name of ['exits', 'registers', 'emulated', 'exceptions'] as const) {
    for (const [key, times] of more[name]) count(sum[name], key, times);
  }
  for (const reason of more.disagreements) disagree(sum, reason);
  for (const name of ['decoded', 'mismatches', 'cacheMisses', 'cacheHits', 'systemCalls'] as const) {
    sum[name] += more[name];
  }
}

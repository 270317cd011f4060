/** What main tells a driver thread, and where its bells are. */
export interface DriverOrder {
  readonly registers: SharedArrayBuffer;
  readonly memory: SharedArrayBuffer;
  readonly bells: SharedArrayBuffer;
  /** Feature bits to accept, in decimal: a bigint does not survive every way into a thread. */
  readonly features: string;
  readonly requests: number;
  readonly rounds: number;
}

/** Words of the shared bells. */
export const BELL = { control: 0, interrupt: 1, doorbell: 2 } as const;

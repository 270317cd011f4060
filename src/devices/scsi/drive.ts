/**
 * The drive as a mechanism: a tray, its lock, and what the host has not been told yet. Plain state, so that a snapshot can take it
 * along; what the commands make of it is in the `commands-*.ts` files.
 */
import { SENSE, type Sense } from './sense.ts';

/** Media event codes (MMC-6, 6.6.2.2). */
export const MEDIA_EVENT = { none: 0, newMedia: 2, removal: 3 } as const;
type MediaEvent = (typeof MEDIA_EVENT)[keyof typeof MEDIA_EVENT];

/** Unit attentions that can wait to be told, by name: the form in which they are saved. */
const ATTENTIONS = ['mediumChanged', 'poweredOn', 'wasReset', 'lostNexus'] as const;
type Attention = (typeof ATTENTIONS)[number];

export interface SavedDrive {
  readonly trayOpen: boolean;
  readonly locked: boolean;
  readonly attention: Attention | null;
  readonly event: number;
}

export class Drive {
  /** Blocks of 2048 bytes on the medium in the tray. */
  readonly blocks: number;
  readonly serial: string;
  #trayOpen = false;
  #locked = false;
  #attention: Attention | undefined = 'poweredOn';
  #event: MediaEvent = MEDIA_EVENT.none;

  constructor(blocks: number, serial: string) {
    this.blocks = blocks;
    this.serial = serial;
  }

  get trayOpen(): boolean {
    return this.#trayOpen;
  }
  get locked(): boolean {
    return this.#locked;
  }

  /** A driver has gone and the next one comes: the tray is in, as the command line says. */
  powerOn(): void {
    this.#trayOpen = false;
    this.#event = MEDIA_EVENT.none;
    this.reset('poweredOn');
  }

  /** What a reset by a driver does: the tray stays where it is. */
  reset(attention: Attention): void {
    this.#locked = false;
    this.#attention = attention;
  }

  setLocked(locked: boolean): void {
    this.#locked = locked;
  }

  /** Opens the tray; refused while the driver holds it locked with a medium inside. */
  eject(): Sense | undefined {
    if (this.#trayOpen) return undefined;
    if (this.#locked) return SENSE.removalPrevented;
    this.#trayOpen = true;
    this.#event = MEDIA_EVENT.removal;
    return undefined;
  }

  load(): void {
    if (!this.#trayOpen) return;
    this.#trayOpen = false;
    this.#event = MEDIA_EVENT.newMedia;
    this.#attention = 'mediumChanged';
  }

  /** What waits to be told by the next command; telling it once is enough. */
  takeAttention(): Sense | undefined {
    const attention = this.#attention;
    this.#attention = undefined;
    return attention && SENSE[attention];
  }

  takeEvent(): MediaEvent {
    const event = this.#event;
    this.#event = MEDIA_EVENT.none;
    return event;
  }

  save(): SavedDrive {
    return {
      trayOpen: this.#trayOpen,
      locked: this.#locked,
      attention: this.#attention ?? null,
      event: this.#event,
    };
  }

  /** `state` may be anything. Throws Error, and changes nothing, for what no drive has saved. */
  restore(state: unknown): void {
    const { trayOpen, locked, attention, event } = (state ?? {}) as Partial<SavedDrive>;
    const known = ATTENTIONS.find(name => name === attention);
    const code = Object.values(MEDIA_EVENT).find(value => value === event);
    if (
      typeof trayOpen !== 'boolean' ||
      typeof locked !== 'boolean' ||
      code === undefined ||
      (known === undefined && attention !== null)
    ) {
      throw new Error('the state of a CD-ROM drive is not one');
    }
    this.#trayOpen = trayOpen;
    this.#locked = locked;
    this.#attention = known;
    this.#event = code;
  }
}

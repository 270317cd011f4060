/**
 * Everything on the port bus that makes a machine a PC, put together: what the machine claims, resets, and talks to.
 */
import type { Bus } from '../../bus/bus.ts';
import type { Bell, InterruptLine, PowerSwitch } from '../../bus/triggers.ts';
import { PORT } from '../../memory/map.ts';
import type { RegisterFile } from '../../state/register-file.ts';
import { I8042 } from './i8042.ts';
import { legacyClaims } from './legacy-ports.ts';
import { PM_BLOCK_SIZE, PowerManagement } from './power.ts';
import { ResetControl } from './reset-control.ts';
import { Rtc } from './rtc.ts';
import { Serial } from './serial.ts';

export interface PlatformOptions {
  readonly registers: RegisterFile;
  /** Guest RAM in bytes. */
  readonly memorySize: number;
  /** Milliseconds since 1970, UTC. */
  readonly now: () => number;
  readonly power: PowerSwitch;
  /** System control interrupt, level triggered. */
  readonly sci: InterruptLine;
  readonly serialLine: InterruptLine;
  /** The guest has sent a byte through the serial port. */
  readonly serialSent: Bell;
  /** The guest has read all that was queued for it at the serial port. */
  readonly serialDrained: Bell;
  /** True once the machine stops. */
  readonly stopping: () => boolean;
}

export class Platform {
  readonly serial: Serial;
  readonly power: PowerManagement;
  /** For the PCI configuration ports, which it shares its address with. */
  readonly resetControl: ResetControl;
  readonly #parts: readonly { reset(): void }[];

  /** Builds the devices and claims their ports, all but the reset control register's. */
  constructor(ports: Bus, options: PlatformOptions) {
    const { registers, memorySize, now, power, sci, stopping } = options;
    this.serial = new Serial({
      name: 'serial0',
      registers,
      line: options.serialLine,
      sent: options.serialSent,
      drained: options.serialDrained,
      stopping,
    });
    this.power = new PowerManagement({ registers, sci, power });
    this.resetControl = new ResetControl(registers, power);
    const i8042 = new I8042(registers, power);
    const rtc = new Rtc({ registers, memorySize, now });
    const legacy = legacyClaims(registers, power);
    ports.claim(PORT.serial1, 8, this.serial);
    ports.claim(PORT.acpiPm, PM_BLOCK_SIZE, this.power);
    ports.claim(PORT.i8042Data, 1, i8042.data);
    ports.claim(PORT.i8042Command, 1, i8042.command);
    ports.claim(PORT.cmosIndex, 2, rtc);
    for (const { base, size, block } of legacy.claims) ports.claim(base, size, block);
    this.#parts = [this.serial, this.power, this.resetControl, i8042, rtc, legacy.debug];
  }

  /** All registers as after power-on. One thread, before the guest (re)starts. */
  reset(): void {
    for (const part of this.#parts) part.reset();
  }
}

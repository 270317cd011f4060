/** The devices a PC always has, wired to the machine: serial port, keyboard controller (for its reset line), clock, power. */
import type { Bus } from '../bus/bus.ts';
import type { InterruptLine } from '../bus/triggers.ts';
import { I8042 } from '../devices/platform/i8042.ts';
import { type DebugPort, legacyClaims } from '../devices/platform/legacy-ports.ts';
import { PM_BLOCK_SIZE, PowerManagement } from '../devices/platform/power.ts';
import { ResetControl } from '../devices/platform/reset-control.ts';
import { Rtc } from '../devices/platform/rtc.ts';
import { Serial } from '../devices/platform/serial.ts';
import { EventFdBell } from '../host/eventfd.ts';
import type { Vm } from '../kvm/vm.ts';
import { GSI, PORT } from '../memory/map.ts';
import type { PciBus } from '../pci/bus.ts';
import { CONFIG_PORTS, ConfigPorts } from '../pci/config-ports.ts';
import type { RegisterFile } from '../state/register-file.ts';
import type { Blueprint } from './blueprint.ts';
import type { MachineControl } from './control.ts';

export interface PlatformOptions {
  readonly registers: RegisterFile;
  readonly vm: Vm;
  readonly blueprint: Blueprint;
  readonly pci: PciBus;
  readonly control: MachineControl;
}

const SERIAL_PORTS = 8;

export class Platform {
  readonly serial: Serial;
  readonly power: PowerManagement;
  readonly #i8042: I8042;
  readonly #rtc: Rtc;
  readonly #reset: ResetControl;
  readonly #configPorts: ConfigPorts;
  readonly #legacy: ReturnType<typeof legacyClaims> & { debug: DebugPort };

  constructor({ registers, vm, blueprint, pci, control }: PlatformOptions) {
    const line = (gsi: number): InterruptLine => ({ set: asserted => vm.setIrq(gsi, asserted) });
    // One bell for both: main looks at output and at room for input alike.
    const bell = new EventFdBell(blueprint.serialOutput);
    this.serial = new Serial({
      name: 'serial0',
      registers,
      line: line(GSI.serial1),
      sent: bell,
      drained: bell,
      stopping: () => control.stopping,
    });
    this.power = new PowerManagement({ registers, sci: line(GSI.sci), power: control });
    this.#i8042 = new I8042(registers, control);
    this.#rtc = new Rtc({ registers, memorySize: blueprint.memorySize, now: Date.now });
    this.#reset = new ResetControl(registers, control);
    this.#configPorts = new ConfigPorts(pci, this.#reset);
    this.#legacy = legacyClaims(registers, control);
  }

  /** Registers as after power-on. Once, on main, before the guest runs. */
  powerOn(): void {
    for (const device of [this.serial, this.power, this.#i8042, this.#rtc, this.#reset, this.#legacy.debug])
      device.reset();
  }

  claim(ports: Bus): void {
    ports.claim(PORT.serial1, SERIAL_PORTS, this.serial);
    ports.claim(PORT.i8042Data, 1, this.#i8042.data);
    ports.claim(PORT.i8042Command, 1, this.#i8042.command);
    ports.claim(PORT.cmosIndex, 2, this.#rtc);
    ports.claim(CONFIG_PORTS.base, CONFIG_PORTS.size, this.#configPorts);
    ports.claim(PORT.acpiPm, PM_BLOCK_SIZE, this.power);
    for (const { base, size, block } of this.#legacy.claims) ports.claim(base, size, block);
  }
}

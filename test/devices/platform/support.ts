import { Bus } from '../../../src/bus/bus.ts';
import type { Bell, InterruptLine, PowerSwitch } from '../../../src/bus/triggers.ts';
import { I8042 } from '../../../src/devices/platform/i8042.ts';
import { legacyClaims } from '../../../src/devices/platform/legacy-ports.ts';
import { PM_BLOCK_SIZE, PowerManagement } from '../../../src/devices/platform/power.ts';
import { Rtc } from '../../../src/devices/platform/rtc.ts';
import { Serial } from '../../../src/devices/platform/serial.ts';
import { PORT } from '../../../src/memory/map.ts';
import { RegisterFile } from '../../../src/state/register-file.ts';

export class LineLog implements InterruptLine {
  readonly levels: boolean[] = [];
  set(asserted: boolean): void {
    this.levels.push(asserted);
  }
  /** The levels since the last call. */
  take(): boolean[] {
    return this.levels.splice(0);
  }
  get level(): boolean {
    return this.levels.at(-1) ?? false;
  }
}

export class PowerLog implements PowerSwitch {
  readonly events: string[] = [];
  powerOff(): void {
    this.events.push('off');
  }
  reset(): void {
    this.events.push('reset');
  }
}

export class BellLog implements Bell {
  rings = 0;
  ring(): void {
    this.rings++;
  }
}

const MiB = 1024 * 1024;

/** A PC's ports and recorders at everything that leads out of them. */
export function pc(options: { memorySize?: number; now?: () => number; buffer?: SharedArrayBuffer } = {}) {
  const registers = options.buffer ? new RegisterFile(options.buffer) : RegisterFile.create(64 * 1024);
  const ports = new Bus('io');
  const power = new PowerLog();
  const sci = new LineLog();
  const line = new LineLog();
  const sent = new BellLog();
  const drained = new BellLog();
  const { memorySize = 512 * MiB, now = () => 0 } = options;
  const serial = new Serial({ name: 'serial0', registers, line, sent, drained, stopping: () => false });
  const pm = new PowerManagement({ registers, sci, power });
  const i8042 = new I8042(registers, power);
  const rtc = new Rtc({ registers, memorySize, now });
  const legacy = legacyClaims(registers, power);
  ports.claim(PORT.serial1, 8, serial);
  ports.claim(PORT.acpiPm, PM_BLOCK_SIZE, pm);
  ports.claim(PORT.i8042Data, 1, i8042.data);
  ports.claim(PORT.i8042Command, 1, i8042.command);
  ports.claim(PORT.cmosIndex, 2, rtc);
  for (const { base, size, block } of legacy.claims) ports.claim(base, size, block);
  const reset = () => {
    for (const part of [serial, pm, i8042, rtc, legacy.debug]) part.reset();
  };
  if (!options.buffer) reset();
  sci.take();
  line.take();
  return { registers, ports, serial, pm, reset, power, sci, line, sent, drained };
}

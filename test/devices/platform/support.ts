import { Bus } from '../../../src/bus/bus.ts';
import type { Bell, InterruptLine, PowerSwitch } from '../../../src/bus/triggers.ts';
import { Platform } from '../../../src/devices/platform/platform.ts';
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
  const platform = new Platform(ports, {
    registers,
    memorySize: options.memorySize ?? 512 * MiB,
    now: options.now ?? (() => 0),
    power,
    sci,
    serialLine: line,
    serialSent: sent,
    serialDrained: drained,
    stopping: () => false,
  });
  if (!options.buffer) platform.reset();
  sci.take();
  line.take();
  return { registers, ports, platform, serial: platform.serial, power, sci, line, sent, drained };
}

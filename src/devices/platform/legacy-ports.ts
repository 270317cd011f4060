/**
 * Ports of a PC that kernels touch without needing an answer. The debug port keeps its last byte (firmware progress codes;
 * Linux writes it to pass time); system control port A knows address line 20, always on, and a reset bit; the rest names
 * hardware that is absent, so that a trace can tell what a kernel was looking for.
 *
 * Not here because KVM answers itself: both PICs, the PIT and port 0x61 (created with KVM_PIT_SPEAKER_DUMMY).
 */
import { allOnes, type Width } from '../../base/bits.ts';
import type { Claim } from '../../bus/bus.ts';
import type { RegisterBlock } from '../../bus/register-block.ts';
import type { PowerSwitch } from '../../bus/triggers.ts';
import { PORT } from '../../memory/map.ts';
import type { RegisterFile } from '../../state/register-file.ts';

/** The last byte written to port 0x80. */
export class DebugPort implements RegisterBlock {
  readonly name = 'debug-port';
  readonly #byte: Uint8Array;

  constructor(registers: RegisterFile) {
    this.#byte = registers.slice(this.name, 1).bytes;
  }

  reset(): void {
    this.#byte[0] = 0;
  }

  read(): number {
    return this.#byte[0]!;
  }

  write(_offset: number, _width: Width, value: number): void {
    this.#byte[0] = value;
  }

  registerName(): string {
    return 'code';
  }
}

const RESET = 0x01;
const ADDRESS_LINE_20 = 0x02;

/** System control port A: address line 20 is always on, writing bit 0 resets. */
export function systemControlA(power: PowerSwitch): RegisterBlock {
  return {
    name: 'system-control-a',
    read: () => ADDRESS_LINE_20,
    write: (_offset, _width, value) => {
      if (value & RESET) power.reset();
    },
    registerName: () => 'control',
  };
}

/** A block that is not there: reads all ones, swallows writes, and has a name. */
export function absent(name: string): RegisterBlock {
  return { name: `absent-${name}`, read: (_offset, width) => allOnes(width), write: () => {} };
}

/** First port, number of ports, and what a PC has there. */
const ABSENT: readonly (readonly [base: number, size: number, name: string])[] = [
  [0x00, 0x20, 'dma1'],
  [0x2e, 2, 'superio'],
  [0x4e, 2, 'superio2'],
  [0x81, 0x0f, 'dma-page'],
  [0xb2, 2, 'apm'],
  [0xc0, 0x20, 'dma2'],
  [0xf0, 2, 'fpu-error'],
  [0x170, 8, 'ide2'],
  [0x1f0, 8, 'ide1'],
  [0x278, 8, 'parallel2'],
  [0x2e8, 8, 'serial4'],
  [0x2f8, 8, 'serial2'],
  [0x378, 8, 'parallel1'],
  [0x3b0, 0x30, 'vga'],
  [0x3e8, 8, 'serial3'],
  [0x3f0, 8, 'floppy'],
];

const SYSTEM_CONTROL_A = 0x92;

/** Claims for the hardware that is absent, around {@link SYSTEM_CONTROL_A} and the fast reset there. */
export function legacyClaims(registers: RegisterFile, power: PowerSwitch): { claims: Claim[]; debug: DebugPort } {
  const debug = new DebugPort(registers);
  const claims: Claim[] = ABSENT.map(([base, size, name]) => ({ base, size, block: absent(name) }));
  claims.push({ base: PORT.debug, size: 1, block: debug });
  claims.push({ base: SYSTEM_CONTROL_A, size: 1, block: systemControlA(power) });
  return { claims, debug };
}

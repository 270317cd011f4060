/**
 * The console's registers (virtio 1.2, 5.3): one port with a window size and an emergency write. The emergency byte is written on
 * a vCPU thread, before any queue exists; it goes into a ring in the register file, which main empties.
 */
import { KiB } from '../../base/bits.ts';
import { struct, u16, u32 } from '../../base/struct.ts';
import { ByteRing } from '../../state/byte-ring.ts';
import type { RegisterFile } from '../../state/register-file.ts';
import type { DeviceModel, WritableConfigField } from '../../virtio/device.ts';

/** Serialisable description of a console. */
export interface ConsoleConfig {
  readonly kind: 'console';
  /** Unique in a machine, for example `console0`. */
  readonly name: string;
  /** The window at the start, in characters; later sizes come through the service. */
  readonly columns: number;
  readonly rows: number;
}

export interface ConsoleModel extends DeviceModel {
  /** Bytes of emergency writes on their way to main; absent where the model was made without a register file. */
  readonly emergency: ByteRing | undefined;
}

/** Feature bits, 5.3.3. MULTIPORT (bit 1) is not offered: queues 0 and 1 are all there is. */
export const F = { SIZE: 1n << 0n, EMERG_WRITE: 1n << 2n } as const;

/** Queues of port 0, 5.3.2; names are the driver's view. */
export const RECEIVE_QUEUE = 0;
export const TRANSMIT_QUEUE = 1;

/** `struct virtio_console_config`, 5.3.4. */
export const CONSOLE_CONFIG = struct(12, {
  cols: u16(0),
  rows: u16(2),
  maxNrPorts: u32(4),
  emergWr: u32(8),
});

const DEVICE_ID = 3;
/** Communication controller, other: class 0x0700 would make Linux look for a 16550 behind it. */
const PCI_CLASS_COMMUNICATION = 0x07_8000;
const QUEUE_SIZE = 256;
/** Far more than a guest can say at one exit a byte before main looks. */
const EMERGENCY_BYTES = 16 * KiB;

/** Takes the emergency ring's slice from `registers`, so every thread must build its consoles in the same order. */
export function consoleModel(config: ConsoleConfig, registers?: RegisterFile): ConsoleModel {
  const emergency =
    registers && new ByteRing(registers.slice(`${config.name}.emergency`, ByteRing.bytesFor(EMERGENCY_BYTES)));
  const { value, bytes } = CONSOLE_CONFIG.create();
  value.cols = config.columns;
  value.rows = config.rows;
  value.maxNrPorts = 1;
  return {
    name: config.name,
    deviceId: DEVICE_ID,
    pciClass: PCI_CLASS_COMMUNICATION,
    features: F.SIZE | F.EMERG_WRITE,
    queueSizes: [QUEUE_SIZE, QUEUE_SIZE],
    config: bytes,
    writableConfig: [emergencyWrite(emergency)],
    emergency,
  };
}

/**
 * The low byte of the field is the character (5.3.4). The writer holds the device's lock, so it must not wait for main: where the
 * ring is full, main has not run for thousands of exits, and the byte is dropped.
 */
function emergencyWrite(ring: ByteRing | undefined): WritableConfigField {
  return {
    name: 'emerg_wr',
    offset: 8,
    width: 4,
    write: value => {
      ring?.tryPush(value & 0xff);
      return undefined;
    },
  };
}

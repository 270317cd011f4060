/**
 * Sense data: how a SCSI drive says what was wrong (SPC-4, 4.5). A key for the kind of trouble and two bytes, "additional sense
 * code" and its qualifier, for what exactly.
 */

export interface Sense {
  readonly key: number;
  readonly asc: number;
  readonly ascq: number;
}

const sense = (key: number, asc: number, ascq: number): Sense => ({ key, asc, ascq });

const NOT_READY = 0x2;
const MEDIUM_ERROR = 0x3;
const ILLEGAL_REQUEST = 0x5;
const UNIT_ATTENTION = 0x6;

/** Everything this drive ever has to say. */
export const SENSE = {
  none: sense(0, 0, 0),
  noMedium: sense(NOT_READY, 0x3a, 0x00),
  unreadable: sense(MEDIUM_ERROR, 0x11, 0x00),
  unknownCommand: sense(ILLEGAL_REQUEST, 0x20, 0x00),
  beyondEnd: sense(ILLEGAL_REQUEST, 0x21, 0x00),
  wrongField: sense(ILLEGAL_REQUEST, 0x24, 0x00),
  noSuchUnit: sense(ILLEGAL_REQUEST, 0x25, 0x00),
  noSavedPages: sense(ILLEGAL_REQUEST, 0x39, 0x00),
  removalPrevented: sense(ILLEGAL_REQUEST, 0x53, 0x02),
  mediumChanged: sense(UNIT_ATTENTION, 0x28, 0x00),
  poweredOn: sense(UNIT_ATTENTION, 0x29, 0x00),
  wasReset: sense(UNIT_ATTENTION, 0x29, 0x03),
  lostNexus: sense(UNIT_ATTENTION, 0x29, 0x07),
} as const;

/** Fixed format, current error. */
const RESPONSE_CODE = 0x70;
export const SENSE_BYTES = 18;

export function encodeSense({ key, asc, ascq }: Sense): Uint8Array {
  const bytes = new Uint8Array(SENSE_BYTES);
  bytes[0] = RESPONSE_CODE;
  bytes[2] = key;
  bytes[7] = SENSE_BYTES - 8;
  bytes[12] = asc;
  bytes[13] = ascq;
  return bytes;
}

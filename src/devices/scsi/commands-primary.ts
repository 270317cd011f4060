/** Commands that every SCSI device has (SPC-4, 6): who are you, are you ready, what was wrong, how are you set up. */
import { be16, be32 } from './big-endian.ts';
import { type Answer, type Commands, data, refuse } from './command.ts';
import type { Drive } from './drive.ts';
import { standardInquiry, vitalProductData } from './inquiry.ts';
import { modePages } from './mode-pages.ts';
import { encodeSense, SENSE } from './sense.ts';

export const PRIMARY_COMMANDS: Commands = {
  0: { name: 'TEST UNIT READY', medium: true, run: () => data() },
  3: { name: 'REQUEST SENSE', always: true, allocation: [4, 1], run: requestSense },
  18: { name: 'INQUIRY', always: true, allocation: [3, 2], run: inquiry },
  26: {
    name: 'MODE SENSE(6)',
    allocation: [4, 1],
    // Mode data length, medium type, device-specific parameter, block descriptor length.
    run: (drive, cdb) => modeSense(drive, cdb, length => [length + 3, 0, 0, 0]),
  },
  90: {
    name: 'MODE SENSE(10)',
    allocation: [7, 2],
    run: (drive, cdb) => modeSense(drive, cdb, length => [...be16(length + 6), 0, 0, 0, 0, 0, 0]),
  },
  160: { name: 'REPORT LUNS', always: true, allocation: [6, 4], run: reportLuns },
};

/** Tells a waiting unit attention, as any command would, but as its data. Only fixed-format sense data. */
function requestSense(drive: Drive, cdb: Uint8Array): Answer {
  if (cdb[1]! & 1) return refuse(SENSE.wrongField);
  return data(encodeSense(drive.takeAttention() ?? SENSE.none));
}

function inquiry(drive: Drive, cdb: Uint8Array): Answer {
  const page = cdb[2]!;
  const bytes = cdb[1]! & 1 ? vitalProductData(page, drive.serial) : page === 0 ? standardInquiry() : undefined;
  return bytes ? data(bytes) : refuse(SENSE.wrongField);
}

const SAVED_VALUES = 3;

function modeSense(drive: Drive, cdb: Uint8Array, header: (length: number) => number[]): Answer {
  const control = cdb[2]! >> 6;
  if (control === SAVED_VALUES) return refuse(SENSE.noSavedPages);
  const pages = modePages({ drive, page: cdb[2]! & 0x3f, subpage: cdb[3]!, control });
  return pages ? data([...header(pages.length), ...pages]) : refuse(SENSE.wrongField);
}

/** One unit, number 0; no well-known ones. */
function reportLuns(_drive: Drive, cdb: Uint8Array): Answer {
  const select = cdb[2]!;
  if (select > 2) return refuse(SENSE.wrongField);
  const units = select === 1 ? [] : new Array<number>(8).fill(0);
  return data([...be32(units.length), 0, 0, 0, 0, ...units]);
}

/** Commands about the medium: how long, read it, let it go (SBC-3, 5, and MMC-6, 6). */
import { be32, be64, readBe } from './big-endian.ts';
import { type Answer, type Commands, data, refuse } from './command.ts';
import type { Drive } from './drive.ts';
import { BLOCK } from './registers.ts';
import { SENSE } from './sense.ts';

/** READ(6) counts 0 as this many; it has no room for the number. */
const READ6_ZERO = 256;
const READ_CAPACITY_16 = 0x10;
const CAPACITY_16_BYTES = 32;

export const MEDIUM_COMMANDS: Commands = {
  8: {
    name: 'READ(6)',
    medium: true,
    run: (drive, cdb) => read(drive, readBe(cdb, 1, 3) & 0x1f_ffff, cdb[4]! || READ6_ZERO),
  },
  40: { name: 'READ(10)', medium: true, run: reader([2, 4], [7, 2]) },
  168: { name: 'READ(12)', medium: true, run: reader([2, 4], [6, 4]) },
  136: { name: 'READ(16)', medium: true, run: reader([2, 8], [10, 4]) },
  37: { name: 'READ CAPACITY(10)', medium: true, run: readCapacity10 },
  158: { name: 'READ CAPACITY(16)', medium: true, allocation: [10, 4], run: readCapacity16 },
  27: { name: 'START STOP UNIT', run: startStop },
  30: { name: 'PREVENT ALLOW MEDIUM REMOVAL', run: preventAllow },
};

type Place = readonly [offset: number, width: number];

function reader(start: Place, count: Place): (drive: Drive, cdb: Uint8Array) => Answer {
  return (drive, cdb) => {
    // RDPROTECT: a CD-ROM has no protection information.
    if (cdb[1]! >> 5 !== 0) return refuse(SENSE.wrongField);
    return read(drive, readBe(cdb, ...start), readBe(cdb, ...count));
  };
}

/** Reading no blocks is no mistake, as long as it is done on the medium. */
function read(drive: Drive, block: number, count: number): Answer {
  if (block >= drive.blocks || block + count > drive.blocks) return refuse(SENSE.beyondEnd);
  return { kind: 'read', block, count };
}

/** Last block and block size; a medium that is too long for the field says all ones. */
function readCapacity10(drive: Drive, cdb: Uint8Array): Answer {
  // Without PMI the address must be 0 (SBC-3, 5.15.2).
  if (!(cdb[8]! & 1) && readBe(cdb, 2, 4) !== 0) return refuse(SENSE.wrongField);
  return data([...be32(Math.min(drive.blocks - 1, 0xffff_ffff)), ...be32(BLOCK)]);
}

function readCapacity16(drive: Drive, cdb: Uint8Array): Answer {
  if ((cdb[1]! & 0x1f) !== READ_CAPACITY_16) return refuse(SENSE.wrongField);
  const bytes = new Uint8Array(CAPACITY_16_BYTES);
  bytes.set([...be64(drive.blocks - 1), ...be32(BLOCK)]);
  return data(bytes);
}

/** Bits of byte 4. The motor has nothing to do; the tray has. */
const START = 1;
const LOAD_EJECT = 2;

function startStop(drive: Drive, cdb: Uint8Array): Answer {
  const how = cdb[4]!;
  // A power condition is asked for in place of all that (SBC-3, 5.25.2), and every one is fine.
  if (how >> 4 !== 0 || !(how & LOAD_EJECT)) return data();
  if (how & START) {
    drive.load();
    return data();
  }
  const refused = drive.eject();
  return refused ? refuse(refused) : data();
}

function preventAllow(drive: Drive, cdb: Uint8Array): Answer {
  // Persistent prevention (bit 1) is for drives with a button.
  if (cdb[4]! & 2) return refuse(SENSE.wrongField);
  drive.setLocked((cdb[4]! & 1) !== 0);
  return data();
}

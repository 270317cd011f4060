/** Commands of CD and DVD drives (MMC-6, 6): tracks, features, events, the mechanism. */
import { be16 } from './big-endian.ts';
import { type Answer, type Commands, data, refuse } from './command.ts';
import type { Drive } from './drive.ts';
import { featureDescriptors, profileOf } from './features.ts';
import { SENSE } from './sense.ts';
import { tableOfContents } from './toc.ts';

export const MULTIMEDIA_COMMANDS: Commands = {
  67: { name: 'READ TOC/PMA/ATIP', medium: true, allocation: [7, 2], run: readToc },
  70: { name: 'GET CONFIGURATION', always: true, allocation: [7, 2], run: getConfiguration },
  74: { name: 'GET EVENT STATUS NOTIFICATION', always: true, allocation: [7, 2], run: getEvent },
  81: { name: 'READ DISC INFORMATION', medium: true, allocation: [7, 2], run: readDiscInformation },
  189: { name: 'MECHANISM STATUS', allocation: [8, 2], run: mechanismStatus },
};

function readToc(drive: Drive, cdb: Uint8Array): Answer {
  // Before MMC the format was in the last byte; some drivers still put it there.
  const format = cdb[2]! & 0xf || cdb[9]! >> 6;
  const bytes = tableOfContents(format, { blocks: drive.blocks, msf: (cdb[1]! & 2) !== 0, start: cdb[6]! });
  return bytes ? data(bytes) : refuse(SENSE.wrongField);
}

const FEATURE_HEADER = 8;

function getConfiguration(drive: Drive, cdb: Uint8Array): Answer {
  const features = featureDescriptors(drive, cdb[1]! & 3, (cdb[2]! << 8) | cdb[3]!);
  if (!features) return refuse(SENSE.wrongField);
  const length = FEATURE_HEADER - 4 + features.length;
  return data([0, 0, ...be16(length), 0, 0, ...be16(profileOf(drive)), ...features]);
}

/** Event classes: number 4 is the media class, bit 4 of the sets of classes. */
const MEDIA_CLASS = 4;
const MEDIA_BIT = 1 << MEDIA_CLASS;
const NO_EVENT_AVAILABLE = 0x80;
const TRAY_OPEN = 1;
const MEDIA_PRESENT = 2;

/** Only polled: there is nobody who could wake the asker later. */
function getEvent(drive: Drive, cdb: Uint8Array): Answer {
  if (!(cdb[1]! & 1)) return refuse(SENSE.wrongField);
  if (!(cdb[4]! & MEDIA_BIT)) return data([...be16(2), NO_EVENT_AVAILABLE, MEDIA_BIT]);
  const state = drive.trayOpen ? TRAY_OPEN : MEDIA_PRESENT;
  return data([...be16(6), MEDIA_CLASS, MEDIA_BIT, drive.takeEvent(), state, 0, 0]);
}

const DISC_INFORMATION_BYTES = 34;

/** A finished disc of one session with one track. */
function readDiscInformation(_drive: Drive, cdb: Uint8Array): Answer {
  if (cdb[1]! & 7) return refuse(SENSE.wrongField);
  const bytes = new Uint8Array(DISC_INFORMATION_BYTES);
  // Last session and disc complete; first track, sessions, first and last track of the last session; unrestricted use.
  bytes.set([...be16(DISC_INFORMATION_BYTES - 2), 0x0e, 1, 1, 1, 1, 0x20]);
  // Nothing can be added: no lead-in, no lead-out for a next session.
  bytes.fill(0xff, 16, 24);
  return data(bytes);
}

const DOOR_OPEN = 0x10;

/** No changer: no slots. */
function mechanismStatus(drive: Drive): Answer {
  return data([0, drive.trayOpen ? DOOR_OPEN : 0, 0, 0, 0, 0, 0, 0]);
}

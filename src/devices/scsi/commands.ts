/**
 * All commands of the drive, and the rules that hold for each: an unknown one is refused, a unit attention comes first, most want a
 * medium, and no answer is longer than was asked for. Pure but for the drive's own state.
 */
import { readBe } from './big-endian.ts';
import { type Answer, type Commands, data, refuse } from './command.ts';
import { MEDIUM_COMMANDS } from './commands-medium.ts';
import { MULTIMEDIA_COMMANDS } from './commands-multimedia.ts';
import { PRIMARY_COMMANDS } from './commands-primary.ts';
import type { Drive } from './drive.ts';
import { absentInquiry } from './inquiry.ts';
import { encodeSense, SENSE } from './sense.ts';

export const COMMANDS: Commands = { ...PRIMARY_COMMANDS, ...MEDIUM_COMMANDS, ...MULTIMEDIA_COMMANDS };

/** Carries out a command, up to the reading of blocks. `cdb` has at least 16 bytes. */
export function execute(drive: Drive, cdb: Uint8Array): Answer {
  const command = COMMANDS[cdb[0]!];
  if (!command?.always) {
    const attention = drive.takeAttention();
    if (attention) return refuse(attention);
  }
  if (!command) return refuse(SENSE.unknownCommand);
  if (command.medium && drive.trayOpen) return refuse(SENSE.noMedium);
  return bounded(command.run(drive, cdb), cdb);
}

const REQUEST_SENSE = 0x03;
const INQUIRY = 0x12;

/** What a target says for a logical unit that it does not have (SPC-4, 6.6.2 and 6.39; SAM-5, 4.7.1). */
export function executeForAbsentUnit(cdb: Uint8Array): Answer {
  if (cdb[0] === INQUIRY) return bounded(data(absentInquiry()), cdb);
  if (cdb[0] === REQUEST_SENSE) return bounded(data(encodeSense(SENSE.noSuchUnit)), cdb);
  return refuse(SENSE.noSuchUnit);
}

/** No more than the command block allows. */
function bounded(answer: Answer, cdb: Uint8Array): Answer {
  const allocation = COMMANDS[cdb[0]!]?.allocation;
  if (answer.kind !== 'data' || !allocation) return answer;
  return { kind: 'data', bytes: answer.bytes.subarray(0, readBe(cdb, ...allocation)) };
}

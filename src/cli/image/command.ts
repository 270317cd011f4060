/**
 * `tslaunch image create|info|check`: what a user of disk images needs at hand without other tools. yargs takes the words apart and writes the
 * help; what it finds wrong comes out as our kind of sentence.
 */
import yargs from 'yargs';
import { UsageError } from '../../base/errors.ts';
import { createRaw } from '../../devices/block/create-raw.ts';
import { FORMATS } from '../../devices/block/options.ts';
import { checkImageFile, checkStatus, describeCheck } from '../../devices/block/qcow2/tools/check.ts';
import { createImage } from '../../devices/block/qcow2/tools/create.ts';
import { describeInfo, imageInfo } from '../../devices/block/qcow2/tools/info.ts';
import { parseBytes } from './bytes.ts';

const NAME = 'tslaunch image';
const COLUMNS = 80;

/** What yargs says, as sentences. */
const SENTENCES = {
  'Unknown argument: %s': { one: 'Nothing is known of %s.', other: 'Nothing is known of %s.' },
  'Not enough arguments following: %s': '--%s needs a value.',
  'Not enough non-option arguments: got %s, need at least %s': {
    one: '%s files are named where %s is needed.',
    other: '%s files are named where %s is needed.',
  },
  'Invalid values:': 'An option has a value that it cannot have:',
  'Argument: %s, Given: %s, Choices: %s': '--%s is %s and can be %s.',
};

/** Runs one command. Returns its exit status: 0, or 1 for a damaged image. Throws UsageError or HostError, one sentence. */
export async function image(words: readonly string[]): Promise<number> {
  let action: (() => Promise<number>) | undefined;
  const parser = commands(chosen => {
    action = chosen;
  });
  const help = await new Promise<string>((resolve, reject) => {
    parser.parse([...words], {}, (error, _argv, output) => (error ? reject(asUsage(error)) : resolve(output)));
  });
  if (action !== undefined && help === '') return action();
  process.stdout.write(`${help || (await parser.getHelp())}\n`);
  return 0;
}

type Choose = (action: () => Promise<number>) => void;

function commands(choose: Choose) {
  return yargs([])
    .scriptName(NAME)
    .detectLocale(false)
    .updateStrings(SENTENCES as never)
    .version(false)
    .wrap(COLUMNS)
    .strict()
    .parserConfiguration({
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'duplicate-arguments-array': false,
    })
    .usage('Makes, describes and checks disk images for --block.')
    .command(
      'create <file> [size]',
      'make an image; never over a file that is there',
      command =>
        command
          .positional('file', { type: 'string', demandOption: true, describe: 'the new image' })
          .positional('size', { type: 'string', describe: "bytes the guest sees: 10G, 512M; the base's unless given" })
          .option('format', {
            choices: FORMATS,
            default: 'qcow2' as const,
            describe: 'neither takes space before it is written',
          })
          .option('base', {
            type: 'string',
            requiresArg: true,
            describe: "image to start from, as seen from the new image's folder",
          })
          .option('base-format', { choices: FORMATS, describe: 'what the base is' })
          .option('cluster-size', { type: 'string', requiresArg: true, describe: '512 to 2M (64K unless given)' }),
      argv => choose(() => create(argv)),
    )
    .command(
      'info <file>',
      'tell what an image is; nothing that it names is opened',
      command =>
        command
          .positional('file', { type: 'string', demandOption: true, describe: 'the image' })
          .option('format', { choices: FORMATS, describe: 'what it is; otherwise its first bytes say' })
          .option('json', { type: 'boolean', describe: 'one JSON document' }),
      argv =>
        choose(async () => {
          const found = await imageInfo(argv.file, argv.format);
          return print(argv.json ? json(found) : describeInfo(found), 0);
        }),
    )
    .command(
      'check <file>',
      'look for damage in a qcow2 image; exit status 1 if there is any left',
      command =>
        command
          .positional('file', { type: 'string', demandOption: true, describe: 'the image, not in use' })
          .option('repair', {
            choices: ['leaks', 'all'] as const,
            describe: 'mend what only costs space, or everything',
          })
          .option('json', { type: 'boolean', describe: 'one JSON document' }),
      argv =>
        choose(async () => {
          const result = await checkImageFile(argv.file, argv.repair ?? 'none');
          return print(argv.json ? json(result) : describeCheck(result), checkStatus(result));
        }),
    );
}

interface CreateWords {
  readonly file: string;
  readonly size?: string | undefined;
  readonly format: (typeof FORMATS)[number];
  readonly base?: string | undefined;
  readonly baseFormat?: (typeof FORMATS)[number] | undefined;
  readonly clusterSize?: string | undefined;
}

async function create({ file, size: text, format, base, baseFormat, clusterSize }: CreateWords): Promise<number> {
  const size = text === undefined ? undefined : parseBytes('size', text);
  if (format === 'raw') {
    const wrong = base !== undefined ? '--base' : clusterSize !== undefined ? '--cluster-size' : undefined;
    if (wrong !== undefined) throw new UsageError(`${wrong} does not go with --format raw.`, 'Leave it out.');
    if (size === undefined) throw new UsageError('A new image needs a size.', 'Say one, for example 10G.');
    await createRaw(file, size);
    return 0;
  }
  if ((base === undefined) !== (baseFormat === undefined)) {
    throw base === undefined
      ? new UsageError('--base-format says what --base is, which is missing.', 'Add --base FILE, or leave it out.')
      : new UsageError(`The format of the base ${base} is not given.`, `Add --base-format ${FORMATS.join(' or ')}.`);
  }
  await createImage(file, {
    size,
    clusterSize: clusterSize === undefined ? undefined : parseBytes('cluster size', clusterSize),
    backing: base === undefined ? undefined : { file: base, format: baseFormat! },
  });
  return 0;
}

function print(text: string, status: number): number {
  process.stdout.write(text);
  return status;
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** yargs gives several lines for a wrong value. */
function asUsage(error: Error): Error {
  if (error instanceof UsageError) return error;
  const text = error.message.replace(/\s*\n\s*/g, ' ').trim();
  return new UsageError(/[.!?]$/.test(text) ? text : `${text}.`, `See ${NAME} --help.`);
}

/**
 * Opens a disk image by its format. A guest can write anything to a raw disk, also the start of a qcow2 image that names a file of the host
 * as its base; a launcher that guessed the format anew would open it as such next time. So whoever does not say `format=` gets a raw
 * disk that refuses to take a qcow2 header in its first sector.
 */
import { statSync } from 'node:fs';
import { UsageError } from '../../base/errors.ts';
import type { BlockBackend } from './backend.ts';
import { LOOKED_AT, refuseForeign } from './foreign.ts';
import { GuardedRaw } from './guarded-raw.ts';
import { HostFile } from './host-file.ts';
import type { ImageFormat } from './options.ts';
import { MOST_CHAIN } from './qcow2/backing.ts';
import { isQcow } from './qcow2/header.ts';
import { openQcow2 } from './qcow2/open.ts';
import { RawFile } from './raw-file.ts';

export interface ImageOptions {
  readonly readOnly: boolean;
  /** Found out by the file's first bytes unless given. */
  readonly format?: ImageFormat | undefined;
  /** Whether a file that the image names as its base may be opened; not unless given. */
  readonly backing?: boolean | undefined;
  /** Past the host's page cache; not unless given. */
  readonly direct?: boolean | undefined;
  /** Space that the guest does not need any more is kept; not unless given. */
  readonly keepSpace?: boolean | undefined;
}

/** Where in a chain of images this one is. */
interface Place {
  /** The files above, as `device:inode`. */
  readonly above: readonly string[];
  /** Its format was guessed: it may then not name a further file. */
  readonly guessed: boolean;
  readonly direct: boolean;
}

/**
 * Opens and locks an image and all that it is based on. Throws UsageError, one sentence, for what cannot be a disk, and HostError for
 * what another process has open; nothing stays open then.
 */
export async function openImage(path: string, options: ImageOptions): Promise<BlockBackend> {
  const { readOnly, direct = false, keepSpace } = options;
  const file = await HostFile.open(path, { readOnly, direct, keepSpace });
  try {
    const format = options.format ?? (await probe(file));
    if (format === 'qcow2') {
      return await openChain(file, options.backing === true, { above: [], guessed: false, direct });
    }
    if (options.format === 'raw') return new RawFile(file);
    await refuseOthers(file);
    return new GuardedRaw(file);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** What the first bytes of the file say it is. */
export async function probe(file: Pick<HostFile, 'read'>): Promise<ImageFormat> {
  const start = new Uint8Array(4);
  await file.read(0, [start]);
  return isQcow(start) ? 'qcow2' : 'raw';
}

async function refuseOthers(file: HostFile): Promise<void> {
  const start = new Uint8Array(LOOKED_AT);
  const count = await file.read(0, [start]);
  refuseForeign(file.label, start.subarray(0, count));
}

async function openChain(file: HostFile, backing: boolean, { above, guessed, direct }: Place): Promise<BlockBackend> {
  const chain = [...above, identityOf(file.label)];
  if (!backing) return openQcow2(file);
  return openQcow2(file, async (path, stated) => {
    if (guessed) {
      throw new UsageError(
        `Block image ${file.label} is based on another file, and the image above it does not say that it is a qcow2 image at all.`,
        `Say so if it is right, with \`qemu-img rebase -u -F qcow2 -b ${file.label} IMAGE\`.`,
      );
    }
    return openBelow(file.label, path, stated, { above: chain, guessed: stated === undefined, direct });
  });
}

async function openBelow(
  label: string,
  path: string,
  stated: ImageFormat | undefined,
  place: Place,
): Promise<BlockBackend> {
  const { above: chain, direct } = place;
  if (chain.includes(identityOf(path))) {
    throw new UsageError(
      `Block image ${label} is based on itself, by way of ${path}.`,
      'Take another copy of the images.',
    );
  }
  if (chain.length >= MOST_CHAIN) {
    throw new UsageError(`Block image ${label} is the end of a chain of ${MOST_CHAIN} images.`, 'Commit some of them.');
  }
  const file = await openFileBelow(label, path, direct);
  try {
    const format = stated ?? (await probe(file));
    if (format === 'raw') return new RawFile(file);
    return await openChain(file, true, place);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Says which image wanted the file that cannot be had. */
async function openFileBelow(label: string, path: string, direct: boolean): Promise<HostFile> {
  try {
    return await HostFile.open(path, { readOnly: true, direct });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const message = `${error.message.replace(/^Block image /, 'Base image ').replace(/\.$/, '')}, and ${label} is based on it.`;
    throw new UsageError(message, 'Put it back, or point the image to where it is with `qemu-img rebase -u`.', {
      cause: error,
    });
  }
}

function identityOf(path: string): string {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    // Opening it says what is wrong with it.
    return path;
  }
}

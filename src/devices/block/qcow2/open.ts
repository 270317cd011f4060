/** Opens a qcow2 image over any file: header, top tables, the image below, and, after a crash, the refcounts counted anew. */
import { log } from '../../../base/log.ts';
import type { BlockBackend } from '../backend.ts';
import type { ImageFile } from '../image-file.ts';
import { backingFormat, backingPath, backingRefused, type OpenBacking } from './backing.ts';
import { checkImage } from './check.ts';
import { HEADER_AREA } from './format.ts';
import { type Header, parseHeader } from './header.ts';
import { ImageBytes } from './image-bytes.ts';
import { mapMetadata } from './metadata-map.ts';
import { Qcow2 } from './qcow2.ts';
import { damaged } from './refusal.ts';

/** Reads and checks the header. Throws UsageError with a sentence. */
export async function readHeader(bytes: ImageBytes): Promise<Header> {
  const area = new Uint8Array(Math.min(HEADER_AREA, bytes.end));
  await bytes.read(0, [area]);
  return parseHeader(area, bytes.end, bytes.file.label);
}

/**
 * Opens the image in `file`, which it closes when it is closed itself; if this fails the caller closes it. Without `openBacking` an
 * image that is based on another is refused. Throws UsageError, one sentence, for an image that cannot be used.
 */
export async function openQcow2(file: ImageFile, openBacking?: OpenBacking): Promise<Qcow2> {
  const { label } = file;
  const bytes = new ImageBytes(file);
  let header = await readHeader(bytes);
  if (header.backing !== undefined && openBacking === undefined) throw backingRefused(label, header.backing);
  if (header.dirty && !file.readOnly) {
    await recount(bytes, header);
    header = await readHeader(bytes);
  }
  const metadata = await mapMetadata(header, bytes, label);
  let backing: BlockBackend | undefined;
  if (header.backing !== undefined) {
    backing = await openBacking?.(backingPath(label, header.backing), backingFormat(label, header.backing));
  }
  return new Qcow2(header, bytes, metadata, backing);
}

/** The image was not closed well: its refcounts may be wrong. */
async function recount(bytes: ImageBytes, header: Header): Promise<void> {
  const { label } = bytes.file;
  const result = await checkImage(bytes, header, 'all');
  if (result.unrepaired > 0) throw damaged(label, result.problems[0] ?? 'its tables contradict each other');
  log.warn(`block image ${label} was not closed well: its clusters were counted anew.`);
}

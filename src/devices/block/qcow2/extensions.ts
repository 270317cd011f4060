/**
 * Header extensions: type, length and data, one after the other up to the first cluster's end or the backing file's name. Most
 * may be skipped; the format of the backing file, the names of features and the directory of bitmaps are read.
 */

import { alignUp } from '../../../base/bits.ts';
import { EXTENSION, FIELD, MOST_BACKING_NAME, readU64, viewOf } from './format.ts';
import { damaged } from './refusal.ts';

/** What an image says about the file below it. */
export interface BackingReference {
  /** As written in the image: relative to the image's folder, or absolute. */
  readonly name: string;
  /** `raw`, `qcow2` or any other word; undefined if the image does not say. */
  readonly format: string | undefined;
}

export interface Extensions {
  readonly backingFormat: string | undefined;
  /** Names of incompatible features by bit. */
  readonly incompatibleNames: ReadonlyMap<number, string>;
  readonly bitmaps: { readonly count: number; readonly offset: number; readonly bytes: number } | undefined;
}

/** `struct { u8 type, u8 bit, char name[46] }`; type 0 are the incompatible ones. */
const FEATURE_ROW = 48;

export function parseExtensions(area: Uint8Array, start: number, end: number, label: string): Extensions {
  const view = viewOf(area);
  let backingFormat: string | undefined;
  let incompatibleNames: ReadonlyMap<number, string> = new Map();
  let bitmaps: Extensions['bitmaps'];
  for (let at = start; at + 8 <= end; ) {
    const type = view.getUint32(at);
    const length = view.getUint32(at + 4);
    if (type === EXTENSION.end) break;
    const data = area.subarray(at + 8, at + 8 + length);
    if (at + 8 + length > end) throw damaged(label, 'a header extension is longer than the header');
    if (type === EXTENSION.backingFormat) backingFormat = text(data);
    else if (type === EXTENSION.featureNames) incompatibleNames = featureNames(data);
    else if (type === EXTENSION.bitmaps && length >= 24) {
      const row = viewOf(data);
      bitmaps = { count: row.getUint32(0), bytes: readU64(row, 8), offset: readU64(row, 16) };
    }
    at += 8 + alignUp(length, 8);
  }
  return { backingFormat, incompatibleNames, bitmaps };
}

/** The backing file that the header names, if any. */
export function backingReference(
  area: Uint8Array,
  clusterSize: number,
  format: string | undefined,
  label: string,
): BackingReference | undefined {
  const view = viewOf(area);
  const offset = readU64(view, FIELD.backingOffset);
  const length = view.getUint32(FIELD.backingLength);
  if (offset === 0 || length === 0) return undefined;
  if (length > MOST_BACKING_NAME || offset + length > Math.min(clusterSize, area.length)) {
    throw damaged(label, 'the name of its backing file lies outside its header');
  }
  const name = text(area.subarray(offset, offset + length));
  if (name === '' || name.includes('\0')) throw damaged(label, 'the name of its backing file is not a name');
  return { name, format };
}

function featureNames(data: Uint8Array): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (let at = 0; at + FEATURE_ROW <= data.length; at += FEATURE_ROW) {
    const name = text(data.subarray(at + 2, at + FEATURE_ROW)).replace(/\0.*$/s, '');
    if (data[at] === 0) names.set(data[at + 1]!, printable(name));
  }
  return names;
}

/** An image may come from a stranger: what it says goes to a terminal without its control characters. */
export function printable(name: string): string {
  return name.replace(/\p{C}/gu, '?');
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

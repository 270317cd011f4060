/**
 * The file below an image: its name as the image writes it, from there to a path. Images may come from strangers, and one can name any file
 * of the host as the one below it, to be read by the guest: so nothing is opened unless the user said so.
 */
import { dirname, resolve } from 'node:path';
import type { BlockBackend } from '../backend.ts';
import { type BackingReference, printable } from './extensions.ts';
import { refusal } from './refusal.ts';

/** More images on top of each other than anybody keeps. */
export const MOST_CHAIN = 64;

/** Opens the image at `path`; `format` is what the image above says it is, undefined if it does not say. */
export type OpenBacking = (path: string, format: 'raw' | 'qcow2' | undefined) => Promise<BlockBackend>;

/** The sentence for an image that needs another file while nobody allowed that. */
export function backingRefused(label: string, { name }: BackingReference): Error {
  return refusal(
    label,
    `is based on another file, ${printable(name)}, and an image from a stranger could so show the guest any file of this host`,
    'If you trust the image, append ",backing=on".',
  );
}

/** The path that `name` stands for in the image at `label`. Throws UsageError for what is no file's name. */
export function backingPath(label: string, { name }: BackingReference): string {
  const plain = name.startsWith('file:') ? name.slice('file:'.length) : name;
  const protocol = /^[A-Za-z][A-Za-z0-9+.-]*:/.exec(plain)?.[0];
  if (protocol !== undefined) {
    throw refusal(
      label,
      `is based on ${printable(name)}, which is not a plain file`,
      'Make it stand alone with `qemu-img convert -O qcow2`.',
    );
  }
  return resolve(dirname(label), plain);
}

export function backingFormat(label: string, { format }: BackingReference): 'raw' | 'qcow2' | undefined {
  if (format === undefined || format === 'raw' || format === 'qcow2') return format;
  throw refusal(
    label,
    `is based on a file of format ${printable(format)}, which is not supported`,
    'Make it stand alone with `qemu-img convert -O qcow2`.',
  );
}

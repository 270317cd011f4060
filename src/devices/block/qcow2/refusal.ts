/** How an image is refused: before the guest starts with a sentence for the user, later with an I/O error for the guest. */
import { UsageError } from '../../../base/errors.ts';

/** `what` completes "Block image NAME ...". */
export function refusal(label: string, what: string, remedy: string): UsageError {
  return new UsageError(`Block image ${label} ${what}.`, remedy);
}

/** An image that contradicts itself. */
export function damaged(label: string, what: string): UsageError {
  return refusal(label, `is damaged: ${what}`, 'Look at it with `tslaunch image check`, or take another copy.');
}

/**
 * Met while the guest runs: the request that met it fails. Messages name the kind of damage and no offsets, so that a user reads
 * each kind once.
 */
export class ImageError extends Error {
  override readonly name = 'ImageError';
}

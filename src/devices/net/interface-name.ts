/** Names of network interfaces, by the kernel's own rules (net/core/dev.c, dev_valid_name). */
import { UsageError } from '../../base/errors.ts';

/** IFNAMSIZ, less the zero byte at the end. */
export const MAX_INTERFACE_NAME = 15;

/** The name that follows `bridge:` or `tap:` (`kind`), checked; throws UsageError. */
export function interfaceName(kind: 'bridge' | 'tap', name: string | undefined): string {
  if (name === undefined || name === '') {
    throw new UsageError(`--tunnet ${kind} names no ${kind}.`, `Write ${kind}:NAME; ip link lists what there is.`);
  }
  const bytes = Buffer.byteLength(name);
  if (bytes > MAX_INTERFACE_NAME) {
    throw new UsageError(
      `--tunnet ${kind}:${name} has a name of ${bytes} bytes, but interfaces have at most ${MAX_INTERFACE_NAME}.`,
      'Give the name that ip link shows.',
    );
  }
  if (name === '.' || name === '..' || /[/\s\0]/.test(name)) {
    throw new UsageError(`--tunnet ${kind}:${name} is no name of an interface.`, 'Give the name that ip link shows.');
  }
  return name;
}

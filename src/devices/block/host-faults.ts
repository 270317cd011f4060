/** A disk that fails tends to fail often: the guest gets every error, the user one line for each kind. */
import { log } from '../../base/log.ts';

export type FaultKind = 'read' | 'write' | 'flush' | 'discard';

export class HostFaults {
  readonly #who: string;
  readonly #seen = new Set<string>();

  /** `who` begins each warning, for example `block0 (disk.img)`. */
  constructor(who: string) {
    this.#who = who;
  }

  /** Warns, once for each kind of access and error code. */
  report(kind: FaultKind, error: unknown): void {
    const { code, message } = error as NodeJS.ErrnoException;
    const what = `${kind} ${code ?? message}`;
    if (this.#seen.has(what)) return;
    this.#seen.add(what);
    log.warn(`${this.#who}: a ${kind} failed on the host: ${code ?? message}; the guest sees an I/O error.`);
  }

  /** A rejection handler that reports and resolves to `outcome`. */
  reporter<T>(kind: FaultKind, outcome: T): (error: unknown) => T {
    return error => {
      this.report(kind, error);
      return outcome;
    };
  }
}

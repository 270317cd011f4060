/** The one way out of the program. */
import { threadsLoaded } from '../machine/first-thread.ts';

/** Ends the process with an exit status, as soon as its threads can be ended. */
export function leave(status: number): void {
  void threadsLoaded().then(() => process.exit(status));
}

/**
 * The launcher's failures, sorted by who has to act. Each carries one sentence for the user; the exit status follows from the
 * class: 2 for a mistake on the command line, 1 for a host that lacks something and for a guest that crashed.
 */
export class TslaunchError extends Error {
  /** Process exit status that this failure ends with. */
  readonly exitStatus: number = 1;
  /** What to do about it, one imperative sentence, printed after the message. */
  readonly remedy: string | undefined;

  constructor(message: string, remedy?: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.remedy = remedy;
  }
}

/** The command line, a file named on it, or an API argument is wrong. Exit status 2. */
export class UsageError extends TslaunchError {
  override readonly exitStatus = 2;
}

/** The host cannot do what was asked: a system call failed or a facility is missing. Exit status 1. */
export class HostError extends TslaunchError {
  /** The system call or ioctl that failed, as in a manual page, for example `open` or `KVM_CREATE_VM`. */
  readonly syscall: string | undefined;
  /** The symbolic errno, for example `EACCES`. */
  readonly errno: string | undefined;

  constructor(message: string, remedy?: string, details: { syscall?: string; errno?: string; cause?: unknown } = {}) {
    super(message, remedy, details.cause === undefined ? undefined : { cause: details.cause });
    this.syscall = details.syscall;
    this.errno = details.errno;
  }
}

/** The guest ended in a way nobody asked for: a triple fault, an instruction nobody can run. Exit status 1. */
export class GuestError extends TslaunchError {}

/**
 * A driver broke the rules of its device (a descriptor outside RAM, a loop in a chain). Never ends the launcher: whoever
 * serves the device turns it into DEVICE_NEEDS_RESET (virtio 1.2, 2.1.2).
 */
export class DriverError extends Error {
  override readonly name = 'DriverError';
}

/** An error in one paragraph: message, then remedy. */
export function describeError(error: unknown): string {
  if (error instanceof TslaunchError) return error.remedy ? `${error.message} ${error.remedy}` : error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

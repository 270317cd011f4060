/**
 * Interrupting a thread that sits in ioctl(KVM_RUN). The kick signal is blocked in the vCPU's thread except inside KVM_RUN
 * (KVM_SET_SIGNAL_MASK), so it ends the call with EINTR without any handler; the thread then takes the pending signal away.
 */
import { sys } from './libc.ts';

/** A real-time signal that neither glibc (32, 33) nor Node uses. */
export const KICK_SIGNAL = 44;
const SIG_BLOCK = 0;
/** sigset_t of glibc. */
const SIGSET_BYTES = 128;

function signalSet(signal: number): Uint8Array {
  const set = new Uint8Array(SIGSET_BYTES);
  set[(signal - 1) >> 3] = 1 << ((signal - 1) & 7);
  return set;
}

const kickSet = signalSet(KICK_SIGNAL);
const noWait = new Uint8Array(16);

/** The calling thread's id, for {@link kickThread}. */
export function threadId(): number {
  return sys.gettid();
}

/** Blocks the kick signal in this thread; returns the kernel signal mask (8 bytes) to use inside KVM_RUN. */
export function blockKicks(): Uint8Array {
  const old = new Uint8Array(SIGSET_BYTES);
  sys.pthread_sigmask(SIG_BLOCK, kickSet, old);
  return old.slice(0, 8);
}

/** Takes pending kicks off this thread; without this the next KVM_RUN would return at once. */
export function swallowKicks(): void {
  while (sys.sigtimedwait(kickSet, null, noWait) > 0);
}

/** Sends the kick signal to one thread of this process. A thread that is gone is no error. */
export function kickThread(tid: number): void {
  sys.tgkill(process.pid, tid, KICK_SIGNAL);
}

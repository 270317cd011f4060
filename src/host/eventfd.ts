/**
 * Eventfds: the wire between vCPU threads, the kernel and main. KVM signals one for a doorbell (ioeventfd) and listens to one
 * for an interrupt (irqfd); any thread rings one by number.
 */
import koffi, { type node } from 'koffi';
import type { Bell, BellWaiter } from '../base/bell.ts';
import { Wake } from '../base/wake.ts';
import { check, sys } from './libc.ts';

const EFD_NONBLOCK = 0o4000;
const EFD_CLOEXEC = 0o2000000;

const ONE = new Uint8Array(new BigUint64Array([1n]).buffer);
const counter = new Uint8Array(8);

export function createEventFd(): number {
  return check(
    'eventfd',
    sys.eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
    'Raise the limit of open files with `ulimit -n`.',
  );
}

export function closeFd(fd: number): void {
  sys.close(fd);
}

/** Adds one to the counter. Cannot fail on an open eventfd but for overflow, which means it is ringing already. */
export function ringEventFd(fd: number): void {
  sys.write(fd, ONE, 8);
}

/** Takes the counter to zero; true if it was not zero. */
export function drainEventFd(fd: number): boolean {
  return sys.read(fd, counter, 8) === 8;
}

/** The ringing end, usable on any thread that knows the number. */
export class EventFdBell implements Bell {
  readonly fd: number;
  constructor(fd: number) {
    this.fd = fd;
  }
  ring(): void {
    ringEventFd(this.fd);
  }
}

/** The waiting end, in the event loop of the thread that made it. */
export class EventFdWaiter implements BellWaiter {
  readonly fd: number;
  readonly #poll: node.PollHandle;
  readonly #wake = new Wake();

  constructor(fd: number) {
    this.fd = fd;
    this.#poll = koffi.node.poll(fd, { readable: true }, () => {
      if (drainEventFd(fd)) this.cancel();
    });
  }

  /** A ring between two waits is remembered, so none is lost. */
  wait(): Promise<void> {
    return this.#wake.wait();
  }

  cancel(): void {
    this.#wake.wake();
  }

  close(): void {
    this.#poll.stop();
    this.#poll.close();
  }
}

/**
 * How driver and device tell each other that they want no notifications: with two flags (virtio 1.2, 2.7.7 and 2.7.10), or,
 * when RING_EVENT_IDX was negotiated, with two indices that name the entry to be notified about. The fields lie in guest memory
 * and go through Atomics; why is told in split-queue.ts.
 */
import {
  AVAIL_F_NO_INTERRUPT,
  availEventIndex,
  RING_FLAGS,
  type Rings,
  USED_F_NO_NOTIFY,
  usedEventIndex,
} from './ring.ts';

export interface Suppression {
  /** The device is about to sleep: kick it for entry `nextAvail` and later ones. */
  inviteKicks(nextAvail: number): void;
  /** The device is awake and looks for itself. */
  declineKicks(): void;
  /** Whether the driver wants an interrupt for the last `since` (1 or more) entries before index `used`. */
  wantsInterrupt(used: number, since: number): boolean;
}

export function suppression(rings: Rings, size: number, eventIdx: boolean): Suppression {
  return eventIdx ? eventIndices(rings, size) : flags(rings);
}

function flags({ avail, used }: Rings): Suppression {
  return {
    inviteKicks: () => Atomics.store(used, RING_FLAGS, 0),
    declineKicks: () => Atomics.store(used, RING_FLAGS, USED_F_NO_NOTIFY),
    wantsInterrupt: () => (Atomics.load(avail, RING_FLAGS) & AVAIL_F_NO_INTERRUPT) === 0,
  };
}

/** The avail flag is ignored (2.7.7.2), the used flag stays 0 (2.7.10.1). */
function eventIndices({ avail, used }: Rings, size: number): Suppression {
  return {
    inviteKicks: nextAvail => Atomics.store(used, availEventIndex(size), nextAvail),
    // avail_event stays where it is, behind: the driver kicks only when its index passes it.
    declineKicks: () => {},
    wantsInterrupt: (to, since) => {
      const event = Atomics.load(avail, usedEventIndex(size));
      return ((to - event - 1) & 0xffff) < since;
    },
  };
}

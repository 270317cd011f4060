/** What passed through a network device and what did not, and why: counted where it is decided, printed by whoever asks. */

/** Frames that got lost on purpose. The guest's mistakes and the host's troubles have rows of their own. */
export const DROPS = {
  short: 'shorter than an Ethernet header',
  long: 'longer than any frame',
  refused: 'not understood by the host',
  down: 'sent while the link was down',
  busy: 'sent while the host had no room',
  full: 'too long for the buffers of the guest',
  filtered: 'for addresses the guest does not listen to',
  lockedOut: 'sent from an address the guest may not have',
  lockedIn: 'for an address the guest may not have',
  unanswered: 'sent to the launcher itself and not understood',
} as const;
export type DropReason = keyof typeof DROPS;

export class NetStatistics {
  received = 0;
  receivedBytes = 0;
  sent = 0;
  sentBytes = 0;
  /** Answers that the launcher gave itself. */
  answered = 0;
  readonly drops = new Map<DropReason, number>();

  drop(reason: DropReason): void {
    this.drops.set(reason, (this.drops.get(reason) ?? 0) + 1);
  }

  dropped(reason: DropReason): number {
    return this.drops.get(reason) ?? 0;
  }

  /** One word and one number a row. Bytes are those of frames, without virtio's header. */
  counters(): Record<string, number> {
    const { received, receivedBytes, sent, sentBytes, answered } = this;
    const drops = [...this.drops].map(([reason, times]) => [`dropped, ${DROPS[reason]}`, times] as const);
    return {
      'frames received': received,
      'bytes received': receivedBytes,
      'frames sent': sent,
      'bytes sent': sentBytes,
      ...(answered > 0 ? { 'frames answered by the launcher': answered } : {}),
      ...Object.fromEntries(drops),
    };
  }
}

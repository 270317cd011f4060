/**
 * Main's side of the serial port: empties what the guest sends into the terminal, in order and without loss (a full ring holds
 * the vCPU until the terminal has taken it), and hands on what is typed while the guest listens there.
 */
import { setTimeout } from 'node:timers/promises';
import type { BellWaiter } from '../base/bell.ts';
import type { ConsoleRouter } from '../devices/console/router.ts';
import type { Serial } from '../devices/platform/serial.ts';
import { SerialListener } from '../devices/platform/serial-listener.ts';

/**
 * A guest sends byte by byte. After some have been written, the next are left to gather for so long (in ms): otherwise each would
 * wake main, which costs far more than the byte itself, most of all where main and the vCPU share a processor.
 */
const GATHER_MS = 2;

export class SerialPort {
  readonly #router: ConsoleRouter;
  #connection: { ended: boolean; bell: BellWaiter; done: Promise<void> } | undefined;

  constructor(router: ConsoleRouter) {
    this.#router = router;
  }

  /** Begins to serve a machine's port. `bell` rings when there is output, or room for input. */
  connect(serial: Serial, bell: BellWaiter): void {
    const connection = { ended: false, bell, done: Promise.resolve() };
    connection.done = this.#serve(serial, connection);
    this.#connection = connection;
    const listener = new SerialListener(serial);
    this.#router.attachSerial({
      get listening() {
        return listener.listening;
      },
      push: bytes => {
        const count = serial.received.pushSome(bytes);
        serial.notifyReceived();
        return count;
      },
      write: () => void this.#write(serial),
    });
  }

  async #serve(serial: Serial, connection: { ended: boolean; bell: BellWaiter }): Promise<void> {
    const { output } = this.#router;
    for (;;) {
      // Looked at before the ring is emptied: what was sent before the end is written after it.
      const last = connection.ended;
      if (this.#write(serial)) {
        await output.room();
        if (!last) await setTimeout(GATHER_MS);
      } else if (last) return output.flushed();
      else {
        await connection.bell.wait();
        this.#router.wake();
      }
    }
  }

  /** Adds what the guest has sent to the output. False if nothing was there; what does not fit stays in the ring. */
  #write(serial: Serial): boolean {
    const { output } = this.#router;
    const bytes = serial.transmitted.drain(output.space);
    output.add(bytes);
    return bytes.length > 0 || serial.transmitted.length > 0;
  }

  /** Writes what is left and lets go of the port. The CPUs must have stopped. */
  async disconnect(): Promise<void> {
    const connection = this.#connection;
    if (!connection) return;
    this.#router.attachSerial(undefined);
    this.#connection = undefined;
    connection.ended = true;
    connection.bell.cancel();
    await connection.done;
  }
}

/**
 * Names and bits of the 16550 UART (National PC16550D data sheet, section 8; Linux `serial_reg.h` uses the same names). Three
 * offsets mean two registers each: reads and writes differ at 2, and the divisor latch hides 0 and 1 while DLAB is set.
 */

/** Register offsets. */
export const UART = {
  /** Receive buffer (read), transmit holding (write), divisor low (DLAB). */
  data: 0,
  /** Interrupt enable, divisor high (DLAB). */
  ier: 1,
  /** Interrupt identification (read), FIFO control (write). */
  iir: 2,
  lcr: 3,
  mcr: 4,
  lsr: 5,
  msr: 6,
  scr: 7,
} as const;

export const IER = { receive: 0x01, transmit: 0x02, line: 0x04, modem: 0x08, all: 0x0f } as const;
export const IIR = {
  none: 0x01,
  modem: 0x00,
  transmit: 0x02,
  receive: 0x04,
  line: 0x06,
  timeout: 0x0c,
  fifo: 0xc0,
} as const;
export const FCR = { enable: 0x01, triggerShift: 6 } as const;
export const LCR = { divisorLatch: 0x80 } as const;
export const MCR = { dtr: 0x01, rts: 0x02, out1: 0x04, out2: 0x08, loop: 0x10, all: 0x1f } as const;
export const LSR = { dataReady: 0x01, overrun: 0x02, holdingEmpty: 0x20, idle: 0x40 } as const;
export const MSR = { cts: 0x10, dsr: 0x20, ring: 0x40, carrier: 0x80 } as const;

/** Bytes in the receive FIFO at which it interrupts, by the two upper bits of the FIFO control register. */
export const RECEIVE_TRIGGERS = [1, 4, 8, 14] as const;

/** 115200 Hz divided by 12: 9600 baud, what a PC's firmware leaves behind. */
export const DEFAULT_DIVISOR = 12;

const NAMES = ['RBR/THR', 'IER', 'IIR/FCR', 'LCR', 'MCR', 'LSR', 'MSR', 'SCR'] as const;
const LATCH_NAMES = ['DLL', 'DLM'] as const;

export function uartRegisterName(offset: number, divisorLatch: boolean): string | undefined {
  return divisorLatch && offset < 2 ? LATCH_NAMES[offset] : NAMES[offset];
}

/**
 * Bits of the 16550 UART (National PC16550D data sheet, section 8; Linux `serial_reg.h` uses the same register names).
 */

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

/** The SPCR: where the serial console is, for kernels that put their console there unasked (FreeBSD, Linux with `earlycon`). */
import { bytes, struct, u8, u16, u32 } from '../../base/struct.ts';
import { GSI, PORT } from '../../memory/map.ts';
import { HEADER_SIZE, ioAddress, table } from './table.ts';

const spcrTable = struct(80, {
  interfaceType: u8(36),
  base: bytes(40, 12),
  interruptType: u8(52),
  irq: u8(53),
  gsi: u32(54),
  baudRate: u8(58),
  stopBits: u8(60),
  terminalType: u8(62),
  pciDevice: u16(64),
  pciVendor: u16(66),
});

/** Serial Port Console Redirection table, revision 2. */
export function spcr(): Uint8Array {
  const { value, bytes: out } = spcrTable.create();
  value.interfaceType = 0; // 16550, all registers
  value.base = ioAddress(PORT.serial1, 1, 1);
  value.interruptType = 0x03; // PIC and IOAPIC
  value.irq = GSI.serial1;
  value.gsi = GSI.serial1;
  value.baudRate = 7; // 115200
  value.stopBits = 1;
  value.terminalType = 3; // ANSI
  value.pciDevice = 0xffff; // not a PCI device
  value.pciVendor = 0xffff;
  return table('SPCR', 2, out.subarray(HEADER_SIZE));
}

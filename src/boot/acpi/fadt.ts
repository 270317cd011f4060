/**
 * The FADT: power management in fixed registers. Classic rather than hardware-reduced, because every kernel that knows ACPI,
 * 32 bit or 64, drives a PM1a block: it carries the power button, the system control interrupt and soft-off.
 */
import { bytes, struct, u8, u16, u32, u64 } from '../../base/struct.ts';
import { GSI, PORT } from '../../memory/map.ts';
import { ascii, HEADER_SIZE, ioAddress, table } from './table.ts';

const REVISION = 6;
const SIZE = 276;

const fadtTable = struct(SIZE, {
  facs: u32(36),
  dsdt: u32(40),
  sciInterrupt: u16(46),
  pm1aEvent: u32(56),
  pm1aControl: u32(64),
  pm1EventLength: u8(88),
  pm1ControlLength: u8(89),
  c2Latency: u16(96),
  c3Latency: u16(98),
  century: u8(108),
  bootArchitecture: u16(109),
  flags: u32(112),
  resetRegister: bytes(116, 12),
  resetValue: u8(128),
  xDsdt: u64(140),
  xPm1aEvent: bytes(148, 12),
  xPm1aControl: bytes(172, 12),
  hypervisor: bytes(268, 8),
});

/** Sizes of the two register groups at PORT.acpiPm, in bytes (4.8.3). */
const PM1_EVENT_LENGTH = 4;
const PM1_CONTROL_LENGTH = 2;

/**
 * IAPC_BOOT_ARCH (5.2.9.3): devices on the ISA bus exist (the serial port), there is no VGA. The keyboard controller is only
 * there for its reset line, so it is not announced and kernels need not probe for a keyboard.
 */
const LEGACY_DEVICES = 1 << 0;
const NO_VGA = 1 << 2;
const NO_ASPM = 1 << 4;

/** Fixed feature flags (5.2.9, table 5.10). The fixed power button is there because its "no" bit (4) is clear. */
const WBINVD = 1 << 0;
const PROC_C1 = 1 << 2;
const NO_SLEEP_BUTTON = 1 << 5;
const NO_FIXED_RTC = 1 << 6;
const RESET_REGISTER = 1 << 10;

/** Latencies beyond these tell that C2 and C3 do not exist. */
const NO_C2 = 101;
const NO_C3 = 1001;

/** Where the RTC's memory keeps the century. */
const CENTURY = 0x32;

/** Written to PORT.resetControl: hard reset, now. */
const RESET_VALUE = 6;

export function fadt(facsAddress: number, dsdtAddress: number): Uint8Array {
  const { value, bytes: out } = fadtTable.create();
  // SMI_CMD stays 0: the machine is in ACPI mode from the start.
  value.facs = facsAddress;
  value.dsdt = dsdtAddress;
  value.xDsdt = BigInt(dsdtAddress);
  value.sciInterrupt = GSI.sci;
  value.pm1aEvent = PORT.acpiPm;
  value.pm1aControl = PORT.acpiPm + PM1_EVENT_LENGTH;
  value.pm1EventLength = PM1_EVENT_LENGTH;
  value.pm1ControlLength = PM1_CONTROL_LENGTH;
  value.xPm1aEvent = ioAddress(PORT.acpiPm, PM1_EVENT_LENGTH, 2);
  value.xPm1aControl = ioAddress(PORT.acpiPm + PM1_EVENT_LENGTH, PM1_CONTROL_LENGTH, 2);
  value.c2Latency = NO_C2;
  value.c3Latency = NO_C3;
  value.century = CENTURY;
  value.bootArchitecture = LEGACY_DEVICES | NO_VGA | NO_ASPM;
  value.flags = WBINVD | PROC_C1 | NO_SLEEP_BUTTON | NO_FIXED_RTC | RESET_REGISTER;
  value.resetRegister = ioAddress(PORT.resetControl, 1, 1);
  value.resetValue = RESET_VALUE;
  value.hypervisor = ascii('TSLAUNCH');
  return table('FACP', REVISION, out.subarray(HEADER_SIZE));
}

/** The firmware control structure: no waking vector, no global lock held. 64 bytes at a multiple of 64 (5.2.10). */
export function facs(): Uint8Array {
  const layout = struct(64, { signature: bytes(0, 4), length: u32(4), version: u8(32) });
  const { value, bytes: out } = layout.create();
  value.signature = ascii('FACS');
  value.length = out.length;
  value.version = 2;
  return out;
}

/**
 * The host bridge in slot 0. It does nothing: kernels look for it to convince themselves that configuration mechanism 1 is
 * real (Linux accepts a bus on which it finds class 0x0600).
 */
import type { RegisterFile } from '../state/register-file.ts';
import { PciDevice } from './device.ts';

export const HOST_BRIDGE_CLASS = 0x06_0000;
/** The id that virtual machine monitors use for a bridge without chipset quirks. */
const IDENTITY = { vendorId: 0x8086, deviceId: 0x0d57, classCode: HOST_BRIDGE_CLASS };

export function hostBridge(registers: RegisterFile): PciDevice {
  return new PciDevice({ name: 'hostbridge', registers, identity: IDENTITY });
}

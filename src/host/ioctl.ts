/** ioctl(2) with typed errors: by value, and by pointer to plain bytes. */

import { HostError } from '../base/errors.ts';
import { errno, sys } from './libc.ts';

/** A signal arrived before anything was done; profilers send them all the time. KVM_RUN, where it means a kick, is not called here. */
function interrupted(result: number): boolean {
  return result < 0 && errno() === 'EINTR';
}

function failed(name: string): HostError {
  const code = errno();
  return new HostError(`${name} failed with ${code}.`, undefined, { syscall: name, errno: code });
}

/** Returns the ioctl's result, zero or positive. `name` is the ioctl's name for the error. */
export function ioctl(fd: number, name: string, request: number, value: number | bigint = 0): number {
  let result = sys.ioctlValue(fd, request, value);
  while (interrupted(result)) result = sys.ioctlValue(fd, request, value);
  if (result < 0) throw failed(name);
  return result;
}

/** The kernel reads or fills `argument`. */
export function ioctlStruct(fd: number, name: string, request: number, argument: Uint8Array): number {
  let result = sys.ioctlPointer(fd, request, argument);
  while (interrupted(result)) result = sys.ioctlPointer(fd, request, argument);
  if (result < 0) throw failed(name);
  return result;
}

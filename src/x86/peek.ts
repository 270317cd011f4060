/**
 * A look at the guest's memory by linear address, for the launcher's own purposes: no permission is checked, nothing is marked as
 * accessed, and what is not there is no fault.
 */
import type { CpuState } from './cpu-state.ts';
import { type Linear, plus, roomInPage } from './linear.ts';
import { LOOK, translate } from './paging.ts';
import type { PhysicalMemory } from './physical.ts';

/** Fills `into` with the bytes at `address`, which may cross pages. False if not all of them are RAM. */
export function peek(cpu: CpuState, memory: PhysicalMemory, address: Linear, into: Uint8Array): boolean {
  for (let done = 0; done < into.length; ) {
    const at = plus(address, done);
    const length = Math.min(into.length - done, roomInPage(at));
    const gpa = translate(cpu, memory, at, LOOK);
    if (gpa < 0 || !memory.copy(gpa, length, into, done)) return false;
    done += length;
  }
  return true;
}

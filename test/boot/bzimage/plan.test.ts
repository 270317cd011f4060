import { describe, expect, it } from 'vitest';
import { planBzImage } from '../../../src/boot/bzimage/plan.ts';
import type { EntryChoice } from '../../../src/boot/plan.ts';
import { type BzImageSpec, bzImageFile } from '../support/bzimage-file.ts';
import { guestOf, refusal } from '../support/guest.ts';

function plan(spec: BzImageSpec = {}, choice: EntryChoice = 'auto') {
  const file = bzImageFile(spec);
  return planBzImage(guestOf(4), file, file.bytes.subarray(0, 0x8010), choice);
}

describe('planBzImage', () => {
  it('takes the 64-bit entry where there is one, else the 32-bit entry', () => {
    expect(plan()).toMatchObject({ format: 'bzimage64', protocol: 'linux64', entryPoint: 0x10_0200 });
    expect(plan({ xloadflags: 0 })).toMatchObject({ format: 'bzimage32', protocol: 'linux32', entryPoint: 0x10_0000 });
  });

  it('tells the kernel where its code lies', () => {
    expect(plan({ prefAddress: 0x20_0000n }).code32Start).toBe(0x20_0000);
  });

  it('puts an initrd above 4 GiB for 64-bit kernels that say they can', () => {
    expect(plan().initrdAbove4G).toBe(true);
    expect(plan({ xloadflags: 1 }).initrdAbove4G).toBe(false);
    expect(plan({ xloadflags: 2 }).initrdAbove4G).toBe(false);
  });

  it('refuses to look for a PVH entry', () => {
    expect(refusal(() => plan({}, 'pvh'))).toBe(
      'bzImage is a bzImage, which has no PVH entry. Give the vmlinux that it was made from.',
    );
  });

  it('refuses a kernel that does not fit before anything is loaded', () => {
    expect(refusal(() => plan({ initSize: 0x40_0000 }))).toMatch(/to unpack itself/);
  });
});

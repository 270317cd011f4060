import { describe, expect, it } from 'vitest';
import { linear, linearOf } from '../../src/x86/linear.ts';
import { LOOK, MARK, PF, pageFaultCode, translate } from '../../src/x86/paging.ts';
import { CR0, CR4, EFER, FLAG } from '../../src/x86/system-registers.ts';
import { cpu, identityMap, memory, physical, random } from './support.ts';

const P = 1n;
const RW = 2n;
const US = 4n;
const PS = 0x80n;
const NX = 1n << 63n;

/** Tables for one 4-level translation of 0xffff_8123_4567_8xxx, with flags a level: PML4, PDPT, PD, PT. */
function fourLevels(flags: readonly [bigint, bigint, bigint, bigint], page = 0x40_0000n) {
  const guest = memory();
  const address = linearOf(0xffff_8123_4567_8abcn);
  const at = (shift: bigint) => Number((0xffff_8123_4567_8abcn >> shift) & 511n) * 8;
  guest.setU64(0x1000 + at(39n), 0x2000n | flags[0]);
  guest.setU64(0x2000 + at(30n), (flags[1] & PS ? page & ~0x3fff_ffffn : 0x3000n) | flags[1]);
  guest.setU64(0x3000 + at(21n), (flags[2] & PS ? page : 0x4000n) | flags[2]);
  guest.setU64(0x4000 + at(12n), page | flags[3]);
  return { guest, address };
}

describe('translate without paging', () => {
  it('maps 32 bits onto themselves', () => {
    expect(translate(cpu('real'), physical(memory()), linear(0, 0xf_fff0), PF.FETCH)).toBe(0xf_fff0);
    expect(translate(cpu('protected32'), physical(memory()), linear(0, 0xfee0_0000), PF.WRITE)).toBe(0xfee0_0000);
  });
});

describe('4-level paging', () => {
  const all = P | RW | US;

  it('walks to a 4 KiB page', () => {
    const { guest, address } = fourLevels([all, all, all, all]);
    expect(translate(cpu('long'), physical(guest), address, 0)).toBe(0x40_0abc);
  });

  it('ends at 2 MiB and 1 GiB pages', () => {
    const large = fourLevels([all, all, all | PS, 0n], 0x60_0000n);
    expect(translate(cpu('long'), physical(large.guest), large.address, 0)).toBe(0x60_0000 + (0x4567_8abc & 0x1f_ffff));
    const huge = fourLevels([all, all | PS, 0n, 0n], 0x40_0000_0000n);
    expect(translate(cpu('long'), physical(huge.guest), huge.address, 0)).toBe(
      0x40_0000_0000 + (0x4567_8abc & 0x3fff_ffff),
    );
  });

  it.each([
    ['absent at the top', [0n, all, all, all], PF.WRITE, PF.WRITE],
    ['absent at the page', [all, all, all, 0n], PF.USER, PF.USER],
    ['write to a read-only page', [all, all, all, P | US], PF.WRITE, PF.PRESENT | PF.WRITE],
    ['user access to a kernel page', [all, all, P | RW, all], PF.USER, PF.PRESENT | PF.USER],
    ['user write where one level is read-only', [all, P | US, all, all], PF.USER | PF.WRITE, 7],
    ['fetch from a no-execute page', [all, all, all, all | NX], PF.FETCH, PF.PRESENT | PF.FETCH],
    ['PS where no page can end', [all | PS, all, all, all], 0, PF.PRESENT | PF.RESERVED],
    ['reserved address bits of a large page', [all, all, all | PS | 0x4000n, all], 0, PF.PRESENT | PF.RESERVED],
  ] as const)('faults: %s', (_name, flags, access, code) => {
    const { guest, address } = fourLevels(flags as unknown as [bigint, bigint, bigint, bigint]);
    const state = cpu('long');
    const result = translate(state, physical(guest), address, access);
    expect(result).toBeLessThan(0);
    expect(pageFaultCode(result)).toBe(code);
  });

  it('treats NX as reserved while EFER.NXE is off', () => {
    const { guest, address } = fourLevels([all, all, all, all | NX]);
    const state = cpu('long');
    state.system.efer = BigInt(EFER.LMA | EFER.LME);
    expect(pageFaultCode(translate(state, physical(guest), address, 0))).toBe(PF.PRESENT | PF.RESERVED);
  });

  it('lets supervisors write read-only pages only without CR0.WP', () => {
    const { guest, address } = fourLevels([all, all, all, P | US]);
    const state = cpu('long');
    state.system.cr0 &= ~BigInt(CR0.WP);
    expect(translate(state, physical(guest), address, PF.WRITE)).toBe(0x40_0abc);
  });

  it('applies SMAP unless RFLAGS.AC is set, and SMEP', () => {
    const { guest, address } = fourLevels([all, all, all, all]);
    const state = cpu('long');
    state.system.cr4 |= BigInt(CR4.SMAP | CR4.SMEP);
    expect(pageFaultCode(translate(state, physical(guest), address, 0))).toBe(PF.PRESENT);
    state.rflags |= BigInt(FLAG.AC);
    expect(translate(state, physical(guest), address, 0)).toBe(0x40_0abc);
    expect(pageFaultCode(translate(state, physical(guest), address, PF.FETCH))).toBe(PF.PRESENT | PF.FETCH);
    expect(translate(state, physical(guest), address, LOOK)).toBe(0x40_0abc);
  });

  it('sets accessed and dirty bits only when asked', () => {
    const { guest, address } = fourLevels([all, all, all, all]);
    const pte = 0x4000 + Number((0x4567_8abcn >> 12n) & 511n) * 8;
    translate(cpu('long'), physical(guest), address, PF.WRITE);
    expect(guest.u32(pte) & 0x60).toBe(0);
    translate(cpu('long'), physical(guest), address, MARK);
    expect(guest.u32(pte) & 0x60).toBe(0x20);
    translate(cpu('long'), physical(guest), address, MARK | PF.WRITE);
    expect(guest.u32(pte) & 0x60).toBe(0x60);
  });
});

describe('5-level paging', () => {
  it('indexes bits 56 to 48 first', () => {
    const guest = memory();
    const address = linearOf(0x00ab_0000_0000_0123n);
    guest.setU64(0x1000 + 0xab * 8, 0x2007n);
    guest.setU64(0x2000, 0x3007n);
    guest.setU64(0x3000, 0x4007n);
    guest.setU64(0x4000, 0x5007n);
    guest.setU64(0x5000, 0x6007n);
    expect(translate(cpu('long5'), physical(guest), address, 0)).toBe(0x6123);
    expect(translate(cpu('long5'), physical(guest), linearOf(0x00ac_0000_0000_0123n), 0)).toBe(-1);
  });
});

describe('PAE paging', () => {
  const state = () => {
    const pae = cpu('pae');
    pae.system.cr0 |= BigInt(CR0.PG);
    pae.system.cr4 = BigInt(CR4.PAE);
    pae.system.cr3 = 0x1020n;
    return pae;
  };

  it('walks page-directory pointer, directory and table', () => {
    const guest = memory();
    guest.setU64(0x1020 + 3 * 8, 0x2001n);
    guest.setU64(0x2000 + 511 * 8, 0x3007n);
    guest.setU64(0x3000 + 511 * 8, 0xfee0_0000n | 0x7n);
    expect(translate(state(), physical(guest), linear(0, 0xffff_f0b0), PF.USER | PF.WRITE)).toBe(0xfee0_00b0);
    guest.setU64(0x2000 + 511 * 8, 0x1_0020_0000n | 0x87n);
    expect(translate(state(), physical(guest), linear(0, 0xffff_f0b0), 0)).toBe(0x1_003f_f0b0);
  });

  it('faults on an absent or malformed pointer', () => {
    const guest = memory();
    expect(pageFaultCode(translate(state(), physical(guest), linear(0, 0), 0))).toBe(0);
    guest.setU64(0x1020, 0x2003n);
    expect(pageFaultCode(translate(state(), physical(guest), linear(0, 0), 0))).toBe(PF.PRESENT | PF.RESERVED);
  });
});

describe('32-bit paging', () => {
  const state = (cr4 = 0) => {
    const legacy = cpu('protected32');
    legacy.system.cr0 |= BigInt(CR0.PG | CR0.WP);
    legacy.system.cr4 = BigInt(cr4);
    legacy.system.cr3 = 0x1000n;
    return legacy;
  };

  it('walks directory and table', () => {
    const guest = memory();
    guest.setU32(0x1000 + 0x300 * 4, 0x2007);
    guest.setU32(0x2000 + 0x123 * 4, 0x0050_0005);
    expect(translate(state(), physical(guest), linear(0, 0xc012_3456), 0)).toBe(0x50_0456);
    expect(pageFaultCode(translate(state(), physical(guest), linear(0, 0xc012_3456), PF.WRITE))).toBe(
      PF.PRESENT | PF.WRITE,
    );
  });

  it('maps 4 MiB pages, with PSE-36 address bits, only with CR4.PSE', () => {
    const guest = memory();
    guest.setU32(0x1000 + 0x300 * 4, 0x0040_2000 | 0x83);
    expect(translate(state(CR4.PSE), physical(guest), linear(0, 0xc012_3456), PF.WRITE)).toBe(
      0x1_0040_0000 + 0x12_3456,
    );
    expect(translate(state(), physical(guest), linear(0, 0xc012_3456), 0)).toBe(-1);
  });
});

describe('garbage tables', () => {
  it('never make the walk throw or run away', () => {
    const seed = 0x5eed;
    const next = random(seed);
    const guest = memory(1 << 20);
    for (let at = 0; at < 1 << 20; at += 4) guest.setU32(at, next());
    const states = (['protected32', 'pae', 'long', 'long5'] as const).map(kind => cpu(kind));
    for (const [i, state] of states.entries()) {
      state.system.cr0 |= BigInt(CR0.PG);
      state.system.cr4 |= BigInt(i === 0 ? CR4.PSE : CR4.PAE);
    }
    const tables = physical(guest);
    let mapped = 0;
    for (let i = 0; i < 20_000; i++) {
      const state = states[i % 4]!;
      state.system.cr3 = BigInt(next() & 0x1f_ffff);
      const result = translate(state, tables, linear(next(), next()), next() & (0x1f | MARK));
      if (!Number.isSafeInteger(result)) throw new Error(`seed ${seed}, round ${i}: ${result}`);
      if (result >= 0) mapped++;
    }
    expect(mapped).toBeGreaterThan(0);
  });

  it('tables outside RAM fault with the reserved bit', () => {
    const state = cpu('long');
    state.system.cr3 = 0xfff_ffff_f000n;
    expect(pageFaultCode(translate(state, physical(memory()), linear(0, 0), PF.USER))).toBe(
      PF.PRESENT | PF.USER | PF.RESERVED,
    );
    const guest = memory();
    identityMap(guest);
    expect(translate(cpu('long'), physical(guest), linear(0, 0x12_3456), PF.WRITE)).toBe(0x12_3456);
  });
});

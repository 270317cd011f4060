import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ensurePackages, NEEDS } from '../../../fixtures/support/packages.ts';
import { makeProgress } from '../../../fixtures/support/progress.ts';
import { dsdt } from '../../../src/boot/acpi/dsdt.ts';
import { GSI, SLEEP_TYPE_S5 } from '../../../src/memory/map.ts';

const table = dsdt({ cpus: 2, mmio64: { start: 2 ** 36, length: 2 ** 36 } });
const text = Buffer.from(table);

describe('the DSDT', () => {
  it('says how to power off, as the power management block understands it', () => {
    const at = text.indexOf('_S5_');
    expect([...table.subarray(at + 4, at + 11)]).toEqual([0x12, 8, 4, 0x0a, SLEEP_TYPE_S5, 0x0a, SLEEP_TYPE_S5]);
  });

  it('routes every pin of every slot to the line of the slot', () => {
    // PackageOp, length, four elements, DWord address, pin (0 and 1 have codes of their own), no link, line.
    const entry = (slot: number, pin: number) => [
      4,
      0x0c,
      0xff,
      0xff,
      slot,
      0,
      ...(pin < 2 ? [pin] : [0x0a, pin]),
      0,
      0x0a,
      GSI.pci[slot % 8]!,
    ];
    for (let slot = 1; slot < 32; slot++) {
      for (let pin = 0; pin < 4; pin++) expect(text.includes(Buffer.from(entry(slot, pin)))).toBe(true);
    }
  });

  it('has a processor object for each CPU', () => {
    const names = (cpus: number) =>
      Buffer.from(dsdt({ cpus, mmio64: { start: 2 ** 36, length: 2 ** 36 } }))
        .toString('latin1')
        .match(/C0[0-9A-F]{2}/g);
    expect(names(1)).toEqual(['C000']);
    expect(names(32)).toHaveLength(32);
    expect(names(32)).toContain('C01F');
  });
});

describe('the DSDT in the eyes of ACPICA', () => {
  beforeAll(() => ensurePackages(NEEDS.acpi, makeProgress()), 300_000);

  it('disassembles, and compiles back to the same bytes', () => {
    const folder = mkdtempSync(join(tmpdir(), 'dsdt-'));
    try {
      writeFileSync(join(folder, 'dsdt.aml'), table);
      const options = { cwd: folder, encoding: 'utf8', stdio: 'pipe' } as const;
      execFileSync('iasl', ['-d', 'dsdt.aml'], options);
      const source = readFileSync(join(folder, 'dsdt.dsl'), 'utf8');
      for (const part of [
        'EisaId ("PNP0A03")',
        'Name (\\_S5, Package (0x04)',
        '0x0000001000000000, // Range Minimum',
      ]) {
        expect(source).toContain(part);
      }
      const said = execFileSync('iasl', ['-oa', '-p', 'again', 'dsdt.dsl'], options);
      expect(said).toMatch(/0 Errors, 0 Warnings/);
      expect(readFileSync(join(folder, 'again.aml')).subarray(36)).toEqual(text.subarray(36));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

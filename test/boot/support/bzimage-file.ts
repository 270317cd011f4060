/** Writes bzImage files for tests: a setup header as told, real-mode sectors, and protected-mode code that counts up. */
import { BOOT_FLAG, bootParams, HDRS } from '../../../src/boot/zero-page.ts';
import { TestFile } from './guest.ts';

export interface BzImageSpec {
  readonly version?: number;
  readonly setupSects?: number;
  readonly loadflags?: number;
  readonly xloadflags?: number;
  readonly relocatable?: boolean;
  readonly alignment?: number;
  readonly prefAddress?: bigint;
  readonly initSize?: number;
  readonly initrdMax?: number;
  readonly cmdlineSize?: number;
  /** Protected-mode code in units of 16 bytes. */
  readonly syssize?: number;
  /** Byte behind the jump: length of the header from 0x202 on. */
  readonly headerLength?: number;
  /** Bytes that the file lacks at its end. */
  readonly missing?: number;
  readonly path?: string;
}

/** By default as Linux 6.1 builds it, but small: protocol 2.15, 64-bit entry, 4 KiB of code at 1 MiB. */
export function bzImageFile(spec: BzImageSpec = {}): TestFile {
  const { setupSects = 2, syssize = 256 } = spec;
  const { value, bytes: page } = bootParams.create();
  value.setupSects = setupSects;
  value.syssize = syssize;
  value.bootFlag = BOOT_FLAG;
  value.headerLength = spec.headerLength ?? 0x6a;
  value.header = HDRS;
  value.version = spec.version ?? 0x20f;
  value.loadflags = spec.loadflags ?? 1;
  value.initrdAddrMax = spec.initrdMax ?? 0x7fff_ffff;
  value.kernelAlignment = spec.alignment ?? 0x20_0000;
  value.relocatableKernel = (spec.relocatable ?? true) ? 1 : 0;
  value.xloadflags = spec.xloadflags ?? 0x3;
  value.cmdlineSize = spec.cmdlineSize ?? 2047;
  value.prefAddress = spec.prefAddress ?? 0x10_0000n;
  value.initSize = spec.initSize ?? 0x10_0000;
  // What the launcher must not take over from the file: it lies before the setup header.
  page.fill(0xee, 0, 0x1f1);
  const code = ((setupSects || 4) + 1) * 512;
  const file = new Uint8Array(code + syssize * 16 - (spec.missing ?? 0));
  file.set(page.subarray(0, Math.min(code, page.length)));
  for (let i = code; i < file.length; i++) file[i] = (i - code) & 0xff;
  return new TestFile(spec.path ?? 'bzImage', file);
}

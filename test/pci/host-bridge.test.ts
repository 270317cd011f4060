import { expect, it } from 'vitest';
import { hostBridge } from '../../src/pci/host-bridge.ts';
import { RegisterFile } from '../../src/state/register-file.ts';

it('is a host bridge without BARs, interrupt or capabilities', () => {
  const bridge = hostBridge(RegisterFile.create(1024));
  bridge.reset();
  expect(bridge.config.read(8, 4) >>> 8).toBe(0x06_0000);
  for (let at = 0x10; at < 0x28; at += 4) bridge.config.write(at, 4, 0xffff_ffff);
  for (let at = 0x10; at < 0x100; at += 4) expect(bridge.config.read(at, 4)).toBe(0);
  expect(bridge.windows()).toEqual([]);
});

import { describe, expect, it } from 'vitest';
import { nativeBoot } from '../../fixtures/native/boot.ts';
import { makeProgress } from '../../fixtures/support/progress.ts';

// Linux on the KVM of this machine, without the lab. Where that KVM has no hardware it takes a minute, and QEMU cannot do it at all.
describe('Linux on the KVM of this machine', () => {
  it("boots to Debian's busybox, which works and powers off", { timeout: 900_000 }, async () => {
    const said: string[] = [];
    await nativeBoot({
      guest: 'small',
      options: ['--stats'],
      progress: makeProgress(),
      print: line => said.push(line.replace(/^ *\d+ s +/, '')),
    });
    expect(said.find(line => line.startsWith('Decoded at'))).toContain("0 mismatches against KVM's reading.");
    expect(said.at(-1)).toMatch(/^tslaunch ended with status 0 /);
  });
});

import { describe, expect, it } from 'vitest';
import { log } from '../../../src/base/log.ts';
import { HostFaults } from '../../../src/devices/block/host-faults.ts';

describe('faults of the host', () => {
  it('are said once for each kind and code', () => {
    const lines: string[] = [];
    log.setSink(line => lines.push(line));
    const faults = new HostFaults('block0 (x.img)');
    const error = Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' });
    for (let i = 0; i < 100; i++) expect(faults.reporter('read', i)(error)).toBe(i);
    faults.report('write', error);
    faults.report('write', new Error('odd'));
    expect(lines).toEqual([
      'tslaunch: block0 (x.img): a read failed on the host: EIO; the guest sees an I/O error.\n',
      'tslaunch: block0 (x.img): a write failed on the host: EIO; the guest sees an I/O error.\n',
      'tslaunch: block0 (x.img): a write failed on the host: odd; the guest sees an I/O error.\n',
    ]);
  });
});

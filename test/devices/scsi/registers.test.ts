import { describe, expect, it } from 'vitest';
import { cdromModel, FIRST_SIZES, fieldSizes, SCSI_CONFIG, wrongSizes } from '../../../src/devices/scsi/registers.ts';

describe('the registers of a CD-ROM drive', () => {
  const model = cdromModel({ kind: 'cdrom', name: 'cdrom0', serial: 'x' });

  it('are those of a SCSI host adapter with a control, an event and a request queue', () => {
    expect(model).toMatchObject({ deviceId: 8, pciClass: 0x010000, features: 0n });
    expect(model.queueSizes).toHaveLength(3);
    const config = SCSI_CONFIG.over(model.config);
    expect(config).toMatchObject({ numQueues: 1, eventInfoSize: 16, maxChannel: 0, maxLun: 0 });
    // A request has two headers beside its data.
    expect(config.segMax).toBe(model.queueSizes[2]! - 2);
    // OpenBSD looks at as many targets as this, and not at all at fewer segments.
    expect(config.maxTarget).toBe(1);
    expect(config.segMax).toBeGreaterThanOrEqual(17);
  });

  it('let the driver choose two sizes, within reason', () => {
    expect(fieldSizes(model.config)).toEqual({ sense: 96, cdb: 32 });
    expect(model.writableConfig.map(({ offset, width }) => [offset, width])).toEqual([
      [20, 4],
      [24, 4],
    ]);
    expect(wrongSizes(FIRST_SIZES)).toBeUndefined();
    expect(wrongSizes({ sense: 0, cdb: 0 })).toBeUndefined();
    expect(wrongSizes({ sense: 4097, cdb: 32 })).toBe('sense_size is 4097, more than 4096');
    expect(wrongSizes({ sense: 96, cdb: 0xffff_ffff })).toBe('cdb_size is 4294967295, more than 260');
  });
});

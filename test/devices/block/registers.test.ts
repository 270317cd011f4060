import { describe, expect, it } from 'vitest';
import { BLOCK_CONFIG, type BlockConfig, blockModel, F, isWriteBack } from '../../../src/devices/block/registers.ts';

const config: BlockConfig = { kind: 'block', name: 'block0', sectors: 2 ** 33 + 1, readOnly: false, serial: 'x' };

describe('the registers of a block device', () => {
  it('tell capacity, segments, block size and topology', () => {
    const model = blockModel(config);
    expect(model).toMatchObject({ name: 'block0', deviceId: 2, queueSizes: [256] });
    expect(BLOCK_CONFIG.over(model.config)).toMatchObject({
      capacity: 2n ** 33n + 1n,
      sizeMax: 4 << 20,
      segMax: 254,
      blkSize: 512,
      physicalBlockExp: 3,
      minIoSize: 8,
      writeback: 1,
      numQueues: 1,
    });
    const large = BLOCK_CONFIG.over(blockModel({ ...config, blockSize: 4096, queueSize: 1024 }).config);
    expect(large).toMatchObject({ blkSize: 4096, physicalBlockExp: 0, segMax: 1022, minIoSize: 1 });
  });

  it('offer further queues where there are any', () => {
    expect(blockModel(config).features & F.MQ).toBe(0n);
    const model = blockModel({ ...config, queues: 3, queueSize: 128 });
    expect(model).toMatchObject({ queueSizes: [128, 128, 128] });
    expect(model.features & F.MQ).toBe(F.MQ);
    expect(BLOCK_CONFIG.over(model.config)).toMatchObject({ numQueues: 3, segMax: 126 });
  });

  it('offer zeroes on a disk that is written, and discards if they are wanted', () => {
    const both = F.DISCARD | F.WRITE_ZEROES;
    expect(blockModel(config).features & both).toBe(F.WRITE_ZEROES);
    expect(BLOCK_CONFIG.over(blockModel(config).config)).toMatchObject({
      maxWriteZeroesSectors: 1 << 22,
      maxWriteZeroesSeg: 64,
      writeZeroesMayUnmap: 0,
      maxDiscardSectors: 0,
      maxDiscardSeg: 0,
    });
    const discards = blockModel({ ...config, discardUnit: 65_536 });
    expect(discards.features & both).toBe(both);
    expect(BLOCK_CONFIG.over(discards.config)).toMatchObject({
      writeZeroesMayUnmap: 1,
      maxDiscardSectors: 1 << 22,
      maxDiscardSeg: 64,
      discardSectorAlignment: 128,
    });
    expect(blockModel({ ...config, discardUnit: 65_536, readOnly: true }).features & both).toBe(0n);
  });

  it('have no cache to flush or to switch in write-through mode', () => {
    const model = blockModel({ ...config, writeThrough: true });
    expect(model.features & (F.FLUSH | F.CONFIG_WCE)).toBe(0n);
    expect(model.writableConfig).toEqual([]);
    expect(BLOCK_CONFIG.over(model.config).writeback).toBe(0);
    expect(isWriteBack(model.features, () => model.config)).toBe(false);
  });

  it('offer RO on a read-only image alone', () => {
    expect(blockModel(config).features & F.RO).toBe(0n);
    expect(blockModel({ ...config, readOnly: true }).features & F.RO).toBe(F.RO);
  });

  it('offer FLUSH where they offer CONFIG_WCE (5.2.5.2)', () => {
    const { features } = blockModel(config);
    expect(features & (F.FLUSH | F.CONFIG_WCE)).toBe(F.FLUSH | F.CONFIG_WCE);
  });

  it('let the driver write the cache mode, and only 0 or 1', () => {
    const model = blockModel(config);
    expect(model.writableConfig).toHaveLength(1);
    const field = model.writableConfig[0]!;
    expect(field).toMatchObject({ offset: 32, width: 1 });
    expect([0, 1, 2, 255].map(value => field.write!(value, model.config))).toEqual([0, 1, undefined, undefined]);
  });

  it('say when a write may be volatile (5.2.6.2)', () => {
    const bytes = (writeback: number) => () => {
      const { value, bytes } = BLOCK_CONFIG.create();
      value.writeback = writeback;
      return bytes;
    };
    expect(isWriteBack(0n, bytes(1))).toBe(false);
    expect(isWriteBack(F.FLUSH, bytes(0))).toBe(true);
    expect(isWriteBack(F.FLUSH | F.CONFIG_WCE, bytes(0))).toBe(false);
    expect(isWriteBack(F.FLUSH | F.CONFIG_WCE, bytes(1))).toBe(true);
    expect(isWriteBack(F.CONFIG_WCE, bytes(0))).toBe(false);
  });
});

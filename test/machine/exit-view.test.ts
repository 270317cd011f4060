import { describe, expect, it } from 'vitest';
import { run } from '../../src/kvm/structs.ts';
import { exitOf } from '../../src/machine/exit-view.ts';

function page(fields: object, data: number[] = [], at = 0x1000) {
  const bytes = new Uint8Array(8192);
  Object.assign(run.over(bytes), fields);
  bytes.set(data, at);
  return new DataView(bytes.buffer);
}

describe('an exit as the instruction reader sees it', () => {
  it('is a port read without a value, or a port write with one', () => {
    const fields = { ioSize: 2, ioPort: 0x604, ioCount: 1, ioDataOffset: 0x1000n };
    const common = { kind: 'io', port: 0x604, width: 2, count: 1 };
    expect(exitOf(2, page(fields, [0x34, 0x12]))).toEqual({ ...common, direction: 'in' });
    const write = page({ ...fields, ioDirection: 1 }, [0x34, 0x12, 0xff]);
    expect(exitOf(2, write)).toEqual({ ...common, direction: 'out', value: 0x1234 });
  });

  it('is a memory access of up to eight bytes above 4 GiB', () => {
    const fields = { mmioAddress: 0x1_2345_6789n, mmioLength: 8 };
    const common = { kind: 'mmio', gpa: 0x1_2345_6789, width: 8 };
    expect(exitOf(6, page(fields))).toEqual({ ...common, direction: 'read' });
    const write = page({ ...fields, mmioIsWrite: 1 }, [1, 2, 3, 0x84, 5, 6, 7, 0x88], 0x28);
    expect(exitOf(6, write)).toEqual({ ...common, direction: 'write', value: 0x8403_0201, valueHigh: 0x8807_0605 });
    const three = page({ ...fields, mmioLength: 3, mmioIsWrite: 1 }, [1, 2, 3, 4], 0x28);
    expect(exitOf(6, three)).toMatchObject({ width: 3, value: 0x03_0201, valueHigh: 0 });
  });

  it('is none of the others', () => {
    expect(exitOf(17, page({}))).toBeUndefined();
  });
});

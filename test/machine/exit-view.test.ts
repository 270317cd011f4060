import { describe, expect, it } from 'vitest';
import { run } from '../../src/kvm/structs.ts';
import { ExitView } from '../../src/machine/exit-view.ts';
import { TrappedAccess } from '../../src/x86/trapped.ts';

const [IO, MMIO] = [2, 6] as const;

function view(exitReason: number, fields: object, data: number[] = [], at = 0x1000): ExitView {
  const bytes = new Uint8Array(8192);
  Object.assign(run.over(bytes), { exitReason }, fields);
  bytes.set(data, at);
  return new ExitView(bytes);
}

function read(from: ExitView): object {
  const access = new TrappedAccess();
  // What an exit before left behind.
  Object.assign(access, { port: true, write: true, address: 9, width: 9, count: 9, value: 9, valueHigh: 9 });
  from.read(access);
  return { ...access };
}

describe('an exit as handlers and the instruction reader see it', () => {
  it('is a port read without a value, or a port write with one', () => {
    const fields = { ioSize: 2, ioPort: 0x604, ioCount: 1, ioDataOffset: 0x1000n };
    const common = { port: true, address: 0x604, width: 2, count: 1, valueHigh: 0 };
    expect(read(view(IO, fields, [0x34, 0x12]))).toEqual({ ...common, write: false, value: 0 });
    const write = view(IO, { ...fields, ioDirection: 1 }, [0x34, 0x12, 0xff]);
    expect(read(write)).toEqual({ ...common, write: true, value: 0x1234 });
  });

  it('is a memory access of up to eight bytes above 4 GiB', () => {
    const fields = { mmioAddress: 0x1_2345_6789n, mmioLength: 8 };
    const common = { port: false, address: 0x1_2345_6789, width: 8, count: 1 };
    expect(read(view(MMIO, fields))).toEqual({ ...common, write: false, value: 0, valueHigh: 0 });
    const write = view(MMIO, { ...fields, mmioIsWrite: 1 }, [1, 2, 3, 0x84, 5, 6, 7, 0x88], 0x28);
    expect(read(write)).toEqual({ ...common, write: true, value: 0x8403_0201, valueHigh: 0x8807_0605 });
    const three = view(MMIO, { ...fields, mmioLength: 3, mmioIsWrite: 1 }, [1, 2, 3, 4], 0x28);
    expect(read(three)).toMatchObject({ width: 3, value: 0x03_0201, valueHigh: 0 });
    const six = view(MMIO, { ...fields, mmioLength: 6, mmioIsWrite: 1 }, [1, 2, 3, 4, 5, 6, 7], 0x28);
    expect(read(six)).toMatchObject({ value: 0x0403_0201, valueHigh: 0x0605 });
  });

  it('answers a read with as many bytes as were asked for', () => {
    const page = view(MMIO, { mmioLength: 4 });
    for (const width of [1, 2, 4]) {
      page.bytes.fill(0xee, 0x28, 0x30);
      page.answer(page.memoryData, 0x8765_4321, width);
      const wanted = [0x21, 0x43, 0x65, 0x87].map((byte, i) => (i < width ? byte : 0xee));
      expect([...page.bytes.subarray(0x28, 0x2c)]).toEqual(wanted);
    }
  });
});

import { describe, expect, it } from 'vitest';
import { bytesOf } from '../../src/base/views.ts';
import { GuestMemory } from '../../src/memory/guest-memory.ts';
import { ChainReader } from '../../src/virtio/chain.ts';

const NEXT = 1;
const WRITE = 2;
const INDIRECT = 4;
const TABLE = 0x1000;
const SIZE = 8;

/** Two mappings that touch at 0x10000, a hole from 0x20000, and RAM again at 4 GiB. */
function memoryOf(): GuestMemory {
  return new GuestMemory([
    { gpa: 0, bytes: new Uint8Array(0x10000) },
    { gpa: 0x10000, bytes: new Uint8Array(0x10000) },
    { gpa: 2 ** 32, bytes: new Uint8Array(0x10000) },
  ]);
}

type Row = readonly [addr: number | bigint, len: number, flags: number, next: number];

function fill(memory: GuestMemory, table: number, rows: readonly Row[]): void {
  rows.forEach(([addr, len, flags, next], i) => {
    memory.setU64(table + 16 * i, BigInt(addr));
    memory.setU32(table + 16 * i + 8, len);
    memory.setU16(table + 16 * i + 12, flags);
    memory.setU16(table + 16 * i + 14, next);
  });
}

function read(rows: readonly Row[], setup: (memory: GuestMemory) => void = () => {}, indirect = true, head = 0) {
  const memory = memoryOf();
  fill(memory, TABLE, rows);
  setup(memory);
  return new ChainReader(memory, TABLE, SIZE, indirect).read(head);
}

describe('a direct chain', () => {
  it('yields readable parts, then writable ones, as views of guest memory', () => {
    const memory = memoryOf();
    fill(memory, TABLE, [
      [0x2000, 16, NEXT, 2],
      [0, 0, 0, 0],
      [0x3000, 32, NEXT, 3],
      [0x4000, 64, NEXT | WRITE, 1],
    ]);
    fill(memory, TABLE + 16, [[0x5000, 1, WRITE, 0]]);
    const chain = new ChainReader(memory, TABLE, SIZE, false).read(0);
    expect(chain.head).toBe(0);
    expect(chain.readable.map(p => p.length)).toEqual([16, 32]);
    expect(chain.writable.map(p => p.length)).toEqual([64, 1]);
    expect([chain.readableLength, chain.writableLength]).toEqual([48, 65]);
    chain.writable[1]![0] = 0x5a;
    expect(memory.u8(0x5000)).toBe(0x5a);
    expect(chain.readableSpans.map(bytesOf)).toEqual(chain.readable);
    expect(chain.writableSpans.map(place => place.byteOffset)).toEqual(chain.writable.map(p => p.byteOffset));
    expect(chain.writable).toBe(chain.writable);
  });

  it('splits a part that crosses from one mapping into the next', () => {
    const chain = read([[0xfff0, 0x20, 0, 0]]);
    expect(chain.readable.map(p => p.length)).toEqual([0x10, 0x10]);
    expect(chain.readableLength).toBe(0x20);
  });

  it('reaches RAM above 4 GiB', () => {
    expect(read([[2n ** 32n + 0x100n, 8, WRITE, 0]]).writableLength).toBe(8);
  });

  it('takes descriptors of length 0 without looking at their address', () => {
    const chain = read([
      [0xdead_beef_0000n, 0, NEXT, 1],
      [0x2000, 4, NEXT, 2],
      [0, 0, WRITE, 0],
    ]);
    expect(chain.readable).toHaveLength(1);
    expect(chain.writable).toHaveLength(0);
  });

  it('ends with the flag NEXT missing, whatever the next field says', () => {
    expect(read([[0x2000, 4, 0, 999]]).readableLength).toBe(4);
  });

  it('may use every descriptor of the table', () => {
    const rows = Array.from({ length: SIZE }, (_, i): Row => [0x2000, 1, i === SIZE - 1 ? 0 : NEXT, i + 1]);
    expect(read(rows).readable).toHaveLength(SIZE);
  });
});

describe('a driver that breaks the rules of 2.7.5', () => {
  const cases: readonly [what: string, rows: readonly Row[], message: RegExp][] = [
    [
      'a loop of two',
      [
        [0x2000, 1, NEXT, 1],
        [0x2000, 1, NEXT, 0],
      ],
      /loop/,
    ],
    ['a descriptor that is its own next', [[0x2000, 0, NEXT, 0]], /loop/],
    ['a next beyond the table', [[0x2000, 1, NEXT, SIZE]], /outside its table/],
    [
      'a readable part behind a writable one',
      [
        [0x2000, 1, NEXT | WRITE, 1],
        [0x2000, 1, 0, 0],
      ],
      /behind a writable/,
    ],
    ['an address in the hole', [[0x2_0000, 1, 0, 0]], /not \(wholly\) RAM/],
    ['a last byte in the hole', [[0x1_ffff, 2, 0, 0]], /not \(wholly\) RAM/],
    ['an address plus length that wraps 64 bits', [[2n ** 64n - 8n, 16, 0, 0]], /not \(wholly\) RAM/],
    ['an address beyond 2^53', [[2n ** 53n + 1n, 1, 0, 0]], /not \(wholly\) RAM/],
    ['the greatest length', [[0x2000, 0xffff_ffff, 0, 0]], /not \(wholly\) RAM/],
    ['an empty indirect table', [[0x2000, 0, INDIRECT, 0]], /0 bytes/],
    ['an indirect table of 24 bytes', [[0x2000, 24, INDIRECT, 0]], /24 bytes/],
    ['an indirect table outside RAM', [[0x3_0000, 16, INDIRECT, 0]], /not \(wholly\) RAM/],
    ['an indirect table of 1025 descriptors', [[0x2000, 1025 * 16, INDIRECT, 0]], /longer than 1024/],
    ['an indirect descriptor with a next one', [[0x2000, 16, INDIRECT | NEXT, 1]], /has a next/],
  ];
  it.each(cases)('%s', (_, rows, message) => {
    expect(() => read(rows)).toThrow(
      expect.objectContaining({ name: 'DriverError', message: expect.stringMatching(message) }),
    );
  });

  it('a head beyond the table', () => {
    expect(() => read([], undefined, true, SIZE)).toThrow(/outside its table/);
  });

  it('more than 2^32 bytes in one chain (2.7.5.1)', () => {
    const big = new GuestMemory([{ gpa: 0, bytes: new Uint8Array(new ArrayBuffer(0x4000_0000)) }]);
    fill(
      big,
      TABLE,
      [0, 1, 2, 3, 4].map((_, i): Row => [0, 0x4000_0000, i === 4 ? 0 : NEXT, i + 1]),
    );
    expect(() => new ChainReader(big, TABLE, SIZE, true).read(0)).toThrow(/4 GiB/);
    fill(
      big,
      TABLE,
      [0, 1, 2, 3].map((_, i): Row => [0, 0x4000_0000, i === 3 ? 0 : NEXT, i + 1]),
    );
    expect(new ChainReader(big, TABLE, SIZE, true).read(0).readableLength).toBe(2 ** 32);
  });

  it('an indirect descriptor that was not negotiated', () => {
    expect(() => read([[0x2000, 16, INDIRECT, 0]], undefined, false)).toThrow(/not negotiated/);
  });
});

describe('an indirect table', () => {
  const inner: readonly Row[] = [
    [0x3000, 10, NEXT, 1],
    [0x4000, 20, WRITE, 0],
  ];

  it('is followed from its first descriptor, its WRITE flag ignored (2.7.5.3.2)', () => {
    const chain = read([[0x2000, 32, INDIRECT | WRITE, 0]], m => fill(m, 0x2000, inner));
    expect([chain.readableLength, chain.writableLength]).toEqual([10, 20]);
  });

  it('may come behind direct descriptors', () => {
    const chain = read(
      [
        [0x5000, 5, NEXT, 1],
        [0x2000, 32, INDIRECT, 0],
      ],
      m => fill(m, 0x2000, inner),
    );
    expect(chain.readable.map(p => p.length)).toEqual([5, 10]);
  });

  it.each([
    ['unaligned', 0x2003],
    ['across two mappings', 0xfff0],
    ['above 4 GiB', 2 ** 32 + 64],
  ])('may lie %s', (_, gpa) => {
    const chain = read([[gpa, 32, INDIRECT, 0]], m => fill(m, gpa, inner));
    expect([chain.readableLength, chain.writableLength]).toEqual([10, 20]);
  });

  it('is not nested', () => {
    expect(() => read([[0x2000, 16, INDIRECT, 0]], m => fill(m, 0x2000, [[0x3000, 16, INDIRECT, 0]]))).toThrow(/nests/);
  });

  it('has no loop and no index beyond its own entries', () => {
    expect(() => read([[0x2000, 16, INDIRECT, 0]], m => fill(m, 0x2000, [[0x3000, 1, NEXT, 0]]))).toThrow(/loop/);
    expect(() => read([[0x2000, 16, INDIRECT, 0]], m => fill(m, 0x2000, [[0x3000, 1, NEXT, 1]]))).toThrow(/outside/);
  });

  it('may be longer than the queue', () => {
    const rows = Array.from({ length: 100 }, (_, i): Row => [0x8000 + i, 1, i === 99 ? 0 : NEXT, i + 1]);
    expect(read([[0x2000, 1600, INDIRECT, 0]], m => fill(m, 0x2000, rows)).readable).toHaveLength(100);
  });
});

/** Vector moves: whole registers, halves, scalars, to and from general registers, duplicates, and masks of sign bits. */
import type { Execution } from './execution.ts';
import { type Row, row } from './row.ts';
import type { Vec } from './vec.ts';
import { pair } from './vector-rows.ts';

const move = (x: Execution): void => x.store(0, x.load(1, x.a));

/** Loads a scalar of `size` bytes: from memory the rest is cleared, from a register the rest of the first source stays. */
const scalarLoad = (size: number) => (x: Execution) => {
  const last = x.form.operands.length - 1;
  if (x.isMemory(last)) {
    x.store(0, x.load(last, x.a));
    return;
  }
  x.load(last, x.b);
  x.load(last - 1, x.a).u8.set(x.b.u8.subarray(0, size));
  x.store(0, x.a);
};

/** To memory `size` bytes; to a register it merges into the first source. */
const scalarStore = (size: number) => (x: Execution) => {
  const last = x.form.operands.length - 1;
  x.load(last, x.b);
  if (!x.isMemory(0)) x.load(last === 2 ? 1 : 0, x.a).u8.set(x.b.u8.subarray(0, size));
  x.store(0, x.isMemory(0) ? x.b : x.a);
};

/** Replaces half `to` (0 low, 1 high) of the first source by half `from` of the second. */
const halfLoad = (to: 0 | 1, from: 0 | 1) => (x: Execution) => {
  const half = x.load(2, x.b).u64[from]!;
  x.load(1, x.a).u64[to] = half;
  x.store(0, x.a);
};

const halfStore = (from: 0 | 1) => (x: Execution) => {
  x.load(1, x.a);
  x.out.u64[0] = x.a.u64[from]!;
  x.store(0, x.out);
};

/** MOVD and MOVQ from a general register or memory: the rest is cleared. */
const fromGeneral = (x: Execution): void => {
  x.out.clear().u64[0] = x.get(1);
  x.store(0, x.out);
};

const toGeneral = (x: Execution): void => x.set(0, x.load(1, x.a).u64[0]!);

/** MOVQ between vectors: 8 bytes, the rest cleared. */
const quad = (x: Execution): void => {
  x.out.clear().u64[0] = x.load(1, x.a).u64[0]!;
  x.store(0, x.out);
};

const duplicate = (fill: (from: Vec, to: Vec, lanes: number) => void) => (x: Execution) => {
  x.load(1, x.a);
  fill(x.a, x.out, x.form.vectorSize / 4);
  x.store(0, x.out);
};
const shuffleSingles = (offset: 0 | 1) =>
  duplicate((from, to, lanes) => {
    for (let i = 0; i < lanes; i++) to.u32[i] = from.u32[(i & ~1) + offset]!;
  });
const doubleLow = duplicate((from, to, lanes) => {
  for (let i = 0; i < lanes / 2; i++) to.u64[i] = from.u64[i & ~1]!;
});

/** One bit a lane: the lanes' sign bits. */
const signMask = (size: 1 | 4 | 8) => (x: Execution) => {
  x.load(1, x.a);
  let mask = 0;
  for (let i = 0; i < x.form.vectorSize / size; i++) if (x.a.u8[i * size + size - 1]! & 0x80) mask |= 1 << i;
  x.set(0, BigInt(mask >>> 0));
};

/** MASKMOVDQU: bytes whose mask has the top bit go to [RDI]. */
const maskedStore = (x: Execution): void => {
  x.load(0, x.a);
  x.load(1, x.b);
  for (let i = 0; i < 16; i++) {
    if (x.b.u8[i]! & 0x80) x.write(x.stringDestination(i), 1, BigInt(x.a.u8[i]!));
  }
};

const SSE = {} as const;
const LOW = { l: 0 } as const;
const scalarOptions = (manual: string) => ({ l: 0 as const, manual });

function scalarMove(prefix: 'F3' | 'F2', name: string, letter: 'd' | 'q'): Row[] {
  const size = letter === 'd' ? 4 : 8;
  const options = scalarOptions(name.toUpperCase());
  const vex = { ...options, vex: true, feature: 'avx' } as const;
  return [
    row(`${prefix}.0F 10`, name, `V${letter} W${letter}`, scalarMerge(size), options),
    row(`${prefix}.0F 11`, name, `W${letter} V${letter}`, scalarStore(size), options),
    row(`${prefix}.0F 10`, `v${name}`, `V${letter} M${letter}`, scalarLoad(size), vex),
    row(`${prefix}.0F 10`, `v${name}`, `V${letter} H${letter} U${letter}`, scalarLoad(size), vex),
    row(`${prefix}.0F 11`, `v${name}`, `M${letter} V${letter}`, scalarStore(size), vex),
    row(`${prefix}.0F 11`, `v${name}`, `U${letter} H${letter} V${letter}`, scalarStore(size), vex),
  ];
}

/** The SSE form of a scalar load: a register source merges into the destination. */
function scalarMerge(size: number): (x: Execution) => void {
  return x => {
    if (x.isMemory(1)) {
      x.store(0, x.load(1, x.a));
      return;
    }
    x.load(1, x.b);
    x.load(0, x.a).u8.set(x.b.u8.subarray(0, size));
    x.store(0, x.a);
  };
}

export const rows: readonly Row[] = [
  ...pair('NP.0F 10', 'movups', 'Vx Wu', move, SSE),
  ...pair('NP.0F 11', 'movups', 'Wu Vx', move, SSE),
  ...pair('66.0F 10', 'movupd', 'Vx Wu', move, SSE),
  ...pair('66.0F 11', 'movupd', 'Wu Vx', move, SSE),
  ...pair('NP.0F 28', 'movaps', 'Vx Wa', move, SSE),
  ...pair('NP.0F 29', 'movaps', 'Wa Vx', move, SSE),
  ...pair('66.0F 28', 'movapd', 'Vx Wa', move, SSE),
  ...pair('66.0F 29', 'movapd', 'Wa Vx', move, SSE),
  ...pair('66.0F 6F', 'movdqa', 'Vx Wa', move, SSE),
  ...pair('66.0F 7F', 'movdqa', 'Wa Vx', move, SSE),
  ...pair('F3.0F 6F', 'movdqu', 'Vx Wu', move, SSE),
  ...pair('F3.0F 7F', 'movdqu', 'Wu Vx', move, SSE),
  ...pair('F2.0F F0', 'lddqu', 'Vx Mu', move, { feature: 'pni' }),
  ...pair('NP.0F 2B', 'movntps', 'Ma Vx', move),
  ...pair('66.0F 2B', 'movntpd', 'Ma Vx', move),
  ...pair('66.0F E7', 'movntdq', 'Ma Vx', move),
  ...pair('66.0F38 2A', 'movntdqa', 'Vx Ma', move, { feature: 'sse4_1', vexFeature: 'avx2' }),
  row('NP.0F C3', 'movnti', 'My Gy', x => x.set(0, x.get(1))),
  ...scalarMove('F3', 'movss', 'd'),
  ...scalarMove('F2', 'movsd', 'q'),
  ...pair('NP.0F 12', 'movlps', 'Vdq Hdq Mq', halfLoad(0, 0), LOW),
  ...pair('NP.0F 12', 'movhlps', 'Vdq Hdq Udq', halfLoad(0, 1), LOW),
  ...pair('NP.0F 13', 'movlps', 'Mq Vdq', halfStore(0), LOW),
  ...pair('66.0F 12', 'movlpd', 'Vdq Hdq Mq', halfLoad(0, 0), LOW),
  ...pair('66.0F 13', 'movlpd', 'Mq Vdq', halfStore(0), LOW),
  ...pair('NP.0F 16', 'movhps', 'Vdq Hdq Mq', halfLoad(1, 0), LOW),
  ...pair('NP.0F 16', 'movlhps', 'Vdq Hdq Udq', halfLoad(1, 0), LOW),
  ...pair('NP.0F 17', 'movhps', 'Mq Vdq', halfStore(1), LOW),
  ...pair('66.0F 16', 'movhpd', 'Vdq Hdq Mq', halfLoad(1, 0), LOW),
  ...pair('66.0F 17', 'movhpd', 'Mq Vdq', halfStore(1), LOW),
  ...pair('66.0F 6E', 'movd', 'Vdq Ey', fromGeneral, { ...LOW, manual: 'MOVD/MOVQ' }),
  ...pair('66.0F 7E', 'movd', 'Ey Vdq', toGeneral, { ...LOW, manual: 'MOVD/MOVQ' }),
  ...pair('F3.0F 7E', 'movq', 'Vdq Wq', quad, LOW),
  ...pair('66.0F D6', 'movq', 'Wq Vdq', quad, LOW),
  ...pair('F3.0F 12', 'movsldup', 'Vx Wx', shuffleSingles(0), { feature: 'pni' }),
  ...pair('F3.0F 16', 'movshdup', 'Vx Wx', shuffleSingles(1), { feature: 'pni' }),
  row('F2.0F 12', 'movddup', 'Vdq Wq', doubleLow, { feature: 'pni' }),
  row('F2.0F 12', 'vmovddup', 'Vdq Wq', doubleLow, { vex: true, l: 0, feature: 'avx' }),
  row('F2.0F 12', 'vmovddup', 'Vqq Wqq', doubleLow, { vex: true, l: 1, feature: 'avx' }),
  ...pair('NP.0F 50', 'movmskps', 'Gd Ux', signMask(4)),
  ...pair('66.0F 50', 'movmskpd', 'Gd Ux', signMask(8)),
  ...pair('66.0F D7', 'pmovmskb', 'Gd Ux', signMask(1), { vexFeature: 'avx2' }),
  ...pair('66.0F F7', 'maskmovdqu', 'Vdq Udq', maskedStore, { ...LOW, faults: 'GP SS PF' }),
];

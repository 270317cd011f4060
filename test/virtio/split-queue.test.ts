import { describe, expect, it } from 'vitest';
import { GuestMemory } from '../../src/memory/guest-memory.ts';
import { SplitQueue, type SplitQueueOptions } from '../../src/virtio/split-queue.ts';
import { CURSOR } from '../../src/virtio/used-ring.ts';
import type { Chain } from '../../src/virtio/virtqueue.ts';
import { MemoryBell } from '../support/memory-bell.ts';
import { MockHeap } from '../support/mock-heap.ts';
import { MockQueue } from '../support/mock-queue.ts';

const turn = () => new Promise<void>(resolve => setImmediate(resolve));

function setup(options: Partial<SplitQueueOptions> & { size?: number } = {}) {
  const memory = new GuestMemory([{ gpa: 0, bytes: new Uint8Array(1 << 20) }]);
  const bell = new MemoryBell();
  const size = options.size ?? 8;
  const eventIdx = options.eventIdx ?? false;
  const heap = new MockHeap(memory, 0x1000, 1 << 20);
  const driver = new MockQueue({ memory, heap, index: 0, size, eventIdx, indirect: false, kick: () => bell.ring() });
  const state = { interrupts: 0 };
  const queue = new SplitQueue({
    index: 0,
    memory,
    layout: driver,
    eventIdx,
    indirect: true,
    doorbell: bell,
    interrupt: () => {
      state.interrupts++;
    },
    ...options,
  });
  return { memory, bell, driver, queue, state };
}

/** Completes every chain with one byte written where there is room. */
async function echo(queue: SplitQueue): Promise<void> {
  for (let chain = await queue.next(); chain; chain = await queue.next()) {
    queue.complete(chain, Math.min(1, chain.writableLength));
  }
}

describe.each([
  ['with flags', false],
  ['with EVENT_IDX', true],
])('a split queue %s', (_, eventIdx) => {
  it('hands out chains in order and returns them out of order with their lengths', async () => {
    const { driver, queue } = setup({ eventIdx });
    const a = driver.submit([Uint8Array.of(1)], [4]);
    const b = driver.submit([Uint8Array.of(2)], [4]);
    const first = (await queue.next())!;
    const second = (await queue.next())!;
    expect(first.readable[0]).toEqual(Uint8Array.of(1));
    second.writable[0]!.set([9, 8]);
    queue.complete(second, 2);
    queue.complete(first, 0);
    await turn();
    expect(driver.collect()).toBe(2);
    expect((await b).data).toEqual(Uint8Array.of(9, 8));
    expect((await a).written).toBe(0);
  });

  it('sleeps until kicked, and sees what came before it slept', async () => {
    const { driver, queue } = setup({ eventIdx });
    let got: Chain | undefined;
    const waiting = queue.next().then(chain => {
      got = chain;
    });
    await turn();
    expect(got).toBeUndefined();
    void driver.submit([Uint8Array.of(7)]);
    await waiting;
    expect(got?.readable[0]).toEqual(Uint8Array.of(7));
  });

  it('loses no wake-up when a chain is added between the first look and the wish for kicks', async () => {
    const { driver, queue, bell } = setup({ eventIdx });
    // The driver adds without a kick at the very moment the device states its wish: only the second look can see it.
    const store = Atomics.store;
    let armed = true;
    const spy = ((array: Uint16Array, index: number, value: number) => {
      const result = store(array, index, value);
      if (armed) {
        armed = false;
        void driver.submit([Uint8Array.of(3)], [], { kick: false });
      }
      return result;
    }) as typeof Atomics.store;
    Atomics.store = spy;
    try {
      expect((await queue.next())?.readable[0]).toEqual(Uint8Array.of(3));
    } finally {
      Atomics.store = store;
    }
    expect(bell.rings).toBe(0);
    // It has not slept, and wants no kick now; with EVENT_IDX the driver's index has yet to pass the entry that was wished for.
    void driver.submit([Uint8Array.of(4)]);
    expect(bell.rings).toBe(eventIdx ? 1 : 0);
    expect((await queue.next())?.readable[0]).toEqual(Uint8Array.of(4));
  });

  it('tolerates spurious kicks', async () => {
    const { driver, queue, bell } = setup({ eventIdx });
    const waiting = queue.next();
    for (let i = 0; i < 5; i++) {
      bell.ring();
      await turn();
    }
    void driver.submit([Uint8Array.of(1)]);
    expect((await waiting)?.readableLength).toBe(1);
  });

  it('runs its indices over 2^16', async () => {
    const { driver, queue } = setup({ eventIdx });
    const loop = echo(queue);
    for (let i = 0; i < 70_000; i += 7) {
      for (let n = 0; n < 7; n++) void driver.submit([], [1]);
      while (driver.inFlight > 0) {
        await turn();
        driver.collect();
      }
    }
    expect(driver.usedIdx).toBe(70_000 & 0xffff);
    queue.stop();
    await loop;
  });

  it('interrupts once for a batch', async () => {
    const { driver, queue, state } = setup({ eventIdx });
    const loop = echo(queue);
    await turn();
    for (let i = 0; i < 6; i++) void driver.submit([], [1]);
    await turn();
    await turn();
    expect(driver.collect()).toBe(6);
    expect(state.interrupts).toBe(1);
    queue.stop();
    await loop;
  });

  it('makes completions outside the loop visible within the turn, with one interrupt', async () => {
    const { driver, queue, state } = setup({ eventIdx });
    void driver.submit([], [1]);
    void driver.submit([], [1]);
    const chains = [queue.tryNext()!, queue.tryNext()!];
    const sleeping = queue.next();
    await turn();
    for (const chain of chains) queue.complete(chain, 1);
    await turn();
    expect(state.interrupts).toBe(1);
    expect(driver.collect()).toBe(2);
    queue.stop();
    expect(await sleeping).toBeUndefined();
  });

  it('does not interrupt a driver that polls', async () => {
    const { driver, queue, state } = setup({ eventIdx });
    driver.silence(true);
    const loop = echo(queue);
    void driver.submit([], [1]);
    await turn();
    await turn();
    expect(driver.collect()).toBe(1);
    expect(state.interrupts).toBe(0);
    driver.silence(false);
    void driver.submit([], [1]);
    await turn();
    await turn();
    expect(state.interrupts).toBe(1);
    queue.stop();
    await loop;
  });

  it('asks for no kicks while it is awake', async () => {
    const { driver, queue } = setup({ eventIdx });
    const sleeping = queue.next();
    await turn();
    void driver.submit([], [1]);
    await sleeping;
    const kicks = driver.kicks;
    void driver.submit([], [1]);
    expect(driver.kicks).toBe(kicks);
    expect(await queue.next()).toBeDefined();
  });

  it('puts the last chain back', async () => {
    const { driver, queue } = setup({ eventIdx });
    void driver.submit([Uint8Array.of(1)]);
    void driver.submit([Uint8Array.of(2)]);
    const first = queue.tryNext()!;
    const second = queue.tryNext()!;
    queue.complete(first, 0);
    queue.unget();
    expect(queue.held).toBe(0);
    expect(queue.tryNext()?.readable[0]).toEqual(second.readable[0]);
    queue.complete(second, 0);
    expect(() => queue.unget()).toThrow(RangeError);
  });

  it('puts several chains back in order, and no more than it holds', async () => {
    const { driver, queue } = setup({ eventIdx });
    for (let i = 1; i <= 4; i++) void driver.submit([Uint8Array.of(i)]);
    const [first] = [queue.tryNext()!, queue.tryNext()!, queue.tryNext()!, queue.tryNext()!];
    queue.complete(first, 0);
    queue.unget(3);
    expect(queue.held).toBe(0);
    expect([2, 3, 4].map(() => queue.tryNext()?.readable[0]?.[0])).toEqual([2, 3, 4]);
    queue.unget(3);
    expect(() => queue.unget()).toThrow(RangeError);
  });

  it('shows chains that belong together at once', async () => {
    const { driver, queue, state } = setup({ eventIdx });
    for (let i = 0; i < 3; i++) void driver.submit([], [4]);
    const parts = [4, 4, 1].map(written => ({ chain: queue.tryNext()!, written }));
    const seen = new Set<number>();
    const store = Atomics.store;
    Atomics.store = ((array: Uint16Array, index: number, value: number) => {
      seen.add(driver.usedIdx);
      return store(array, index, value);
    }) as typeof Atomics.store;
    try {
      queue.completeTogether(parts);
    } finally {
      Atomics.store = store;
    }
    expect([...seen, driver.usedIdx]).toEqual([0, 3]);
    await turn();
    expect([driver.collect(), state.interrupts]).toEqual([3, 1]);
    expect(() => queue.completeTogether(parts)).toThrow(RangeError);
  });

  it('waits for more chains than there are, and holds none meanwhile', async () => {
    const { driver, queue } = setup({ eventIdx });
    for (let i = 0; i < 2; i++) void driver.submit([], [4]);
    let came: boolean | undefined;
    const waiting = queue.more(3, 60_000).then(value => {
      came = value;
    });
    void driver.submit([], [4]);
    await turn();
    expect([came, queue.held]).toEqual([undefined, 0]);
    void driver.submit([], [4]);
    await waiting;
    expect(came).toBe(true);
    expect(await queue.more(4, 1)).toBe(false);
    expect(await queue.next()).toBeDefined();
  });

  it('waits for more no longer than it runs', async () => {
    const { queue } = setup({ eventIdx });
    const waiting = queue.more(0, 60_000);
    queue.stop();
    expect(await waiting).toBe(false);
  });

  it('stops: the sleeper wakes, later completions change nothing', async () => {
    const { driver, queue, state } = setup({ eventIdx });
    void driver.submit([], [1]);
    const chain = queue.tryNext()!;
    const sleeping = queue.next();
    await turn();
    queue.stop();
    expect(await sleeping).toBeUndefined();
    await queue.stopped;
    expect(queue.stopping).toBe(true);
    queue.complete(chain, 1);
    await turn();
    expect(driver.usedIdx).toBe(0);
    expect(state.interrupts).toBe(0);
    expect(await queue.next()).toBeUndefined();
    expect(queue.tryNext()).toBeUndefined();
  });

  it('pauses without losing a chain: finishes what is held, hands out nothing, goes on where it was', async () => {
    const { driver, queue } = setup({ eventIdx });
    void driver.submit([Uint8Array.of(1)]);
    const held = queue.tryNext()!;
    let idle = false;
    const paused = queue.pause().then(() => {
      idle = true;
    });
    void driver.submit([Uint8Array.of(2)]);
    const next = queue.next();
    await turn();
    expect(idle).toBe(false);
    expect(queue.tryNext()).toBeUndefined();
    queue.complete(held, 0);
    await paused;
    driver.kick(true);
    await turn();
    queue.resume();
    expect((await next)?.readable[0]).toEqual(Uint8Array.of(2));
  });

  it('goes on from an exported cursor', async () => {
    const one = setup({ eventIdx, cursor: new Uint16Array(3) });
    for (let i = 0; i < 3; i++) void one.driver.submit([], [1]);
    for (let i = 0; i < 3; i++) one.queue.complete(one.queue.tryNext()!, 1);
    await turn();
    one.driver.collect();
    one.queue.stop();
    const cursor = Uint16Array.of(3, 3, 3);
    const again = new SplitQueue({
      index: 0,
      memory: one.memory,
      layout: one.driver,
      eventIdx,
      indirect: true,
      doorbell: new MemoryBell(),
      interrupt: () => one.driver.collect(),
      cursor,
    });
    const reply = one.driver.submit([], [1]);
    again.complete((await again.next())!, 1);
    expect((await reply).written).toBe(1);
    expect([...cursor]).toEqual([4, 4, 4]);
    expect(cursor[CURSOR.nextAvail]).toBe(4);
  });
});

describe('a split queue', () => {
  it('keeps used.flags 0 and ignores avail.flags with EVENT_IDX (2.7.7.2, 2.7.10.1)', async () => {
    const { memory, driver, queue, state } = setup({ eventIdx: true });
    memory.setU16(driver.avail, 1);
    const loop = echo(queue);
    for (let i = 0; i < 4; i++) {
      void driver.submit([], [1]);
      expect(driver.usedFlags).toBe(0);
      await turn();
      expect(driver.usedFlags).toBe(0);
      await turn();
      driver.collect();
    }
    expect(state.interrupts).toBe(4);
    queue.stop();
    await loop;
  });

  it('interrupts when used_event falls anywhere into a batch, and only then', async () => {
    const { memory, driver, queue, state } = setup({ eventIdx: true });
    const batch = async (event: number) => {
      memory.setU16(driver.avail + 4 + 2 * driver.size, event);
      const before = state.interrupts;
      for (let i = 0; i < 3; i++) void driver.submit([], [1], { kick: false });
      for (let i = 0; i < 3; i++) queue.complete(queue.tryNext()!, 1);
      await turn();
      return state.interrupts - before;
    };
    expect(await batch(2)).toBe(1);
    expect(await batch(2)).toBe(0);
    driver.collect();
    expect(await batch(9)).toBe(0);
  });

  it('sets the used element before the index', async () => {
    const { memory, driver, queue } = setup();
    void driver.submit([], [4]);
    const chain = queue.tryNext()!;
    const store = Atomics.store;
    let element: number[] = [];
    Atomics.store = ((array: Uint16Array, index: number, value: number) => {
      if (index === 1) element = [memory.u32(driver.used + 4), memory.u32(driver.used + 8), driver.usedIdx];
      return store(array, index, value);
    }) as typeof Atomics.store;
    try {
      queue.complete(chain, 3);
    } finally {
      Atomics.store = store;
    }
    expect(element).toEqual([chain.head, 3, 0]);
    expect(driver.usedIdx).toBe(1);
  });

  it('never says it wrote more than fits, and returns a chain once (2.7.8.2)', () => {
    const { driver, queue } = setup();
    void driver.submit([], [4]);
    const chain = queue.tryNext()!;
    expect(() => queue.complete(chain, 5)).toThrow(RangeError);
    expect(() => queue.complete(chain, -1)).toThrow(RangeError);
    queue.complete(chain, 4);
    expect(() => queue.complete(chain, 4)).toThrow(RangeError);
  });

  it('lets other work in between when the driver never stops', async () => {
    const { driver, queue } = setup({ size: 256 });
    let turns = 0;
    const tick = () => {
      turns++;
      if (!queue.stopping) setImmediate(tick);
    };
    setImmediate(tick);
    const add = () => void driver.submit([Uint8Array.of(1)], [], { kick: false });
    for (let i = 0; i < 100; i++) add();
    let served = 0;
    for (let chain = await queue.next(); chain; chain = await queue.next()) {
      queue.complete(chain, 0);
      driver.collect();
      add();
      if (++served === 10_000) queue.stop();
    }
    expect(turns).toBeGreaterThan(20);
  });

  it.each([
    ['an available index that jumps beyond the size', (d: MockQueue) => d.setAvailIdx(9), /9 ahead/],
    ['an available index that goes back', (d: MockQueue) => d.setAvailIdx(-1), /65535 ahead/],
    ['a head beyond the table', (d: MockQueue) => d.offer(8), /outside the table/],
    [
      'a head that the device still holds',
      (d: MockQueue) => {
        d.writeDescriptor(0, 0x2000, 1, 0, 0);
        d.offer(0);
        d.offer(0);
      },
      /made available again/,
    ],
  ])('throws a DriverError for %s', async (_, mistake, message) => {
    const { driver, queue } = setup();
    mistake(driver);
    const all = async () => {
      while (await queue.next());
    };
    await expect(all()).rejects.toThrow(
      expect.objectContaining({ name: 'DriverError', message: expect.stringMatching(message) }),
    );
  });

  it.each([
    ['descriptor table', { desc: 0x1008, avail: 0x2000, used: 0x3000 }, /descriptor table at 0x1008 is not aligned/],
    ['available ring', { desc: 0x1000, avail: 0x2001, used: 0x3000 }, /available ring at 0x2001 is not aligned/],
    ['used ring', { desc: 0x1000, avail: 0x2000, used: 0x3002 }, /used ring at 0x3002 is not aligned/],
    ['descriptor table', { desc: 0xfff90, avail: 0x2000, used: 0x3000 }, /descriptor table at 0xfff90 .* is not RAM/],
    ['used ring', { desc: 0x1000, avail: 0x2000, used: 2 ** 60 }, /used ring .* is not RAM/],
  ])('refuses a %s in the wrong place', (_, layout, message) => {
    expect(() => setup({ layout: { size: 8, ...layout } })).toThrow(
      expect.objectContaining({ name: 'DriverError', message: expect.stringMatching(message) }),
    );
  });
});

import { describe, expect, it } from 'vitest';
import { routingTable } from '../../src/kvm/routing.ts';
import { routingEntry } from '../../src/kvm/structs.ts';

describe('routingTable', () => {
  const table = routingTable([{ gsi: 24, address: 0x1_fee0_1000n, data: 0x4041 }]);
  const count = new DataView(table.buffer).getUint32(0, true);
  const rows = Array.from({ length: count }, (_, i) => ({ ...routingEntry.over(table, 8 + i * routingEntry.size) }));

  it('connects ISA interrupts to PIC and IOAPIC, IRQ 0 to pin 2', () => {
    expect(rows.filter(r => r.gsi === 4).map(r => [r.irqchip, r.pin])).toEqual([
      [0, 4],
      [2, 4],
    ]);
    expect(rows.filter(r => r.gsi === 0).map(r => [r.irqchip, r.pin])).toEqual([
      [0, 0],
      [2, 2],
    ]);
    expect(rows.filter(r => r.gsi === 10).map(r => [r.irqchip, r.pin])).toEqual([
      [1, 2],
      [2, 10],
    ]);
    expect(rows.filter(r => r.gsi === 20).map(r => [r.irqchip, r.pin])).toEqual([[2, 20]]);
  });

  it('carries messages with both address halves', () => {
    expect(rows.at(-1)).toMatchObject({ gsi: 24, type: 2, addressLow: 0xfee01000, addressHigh: 1, data: 0x4041 });
  });
});

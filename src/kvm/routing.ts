/**
 * The GSI routing table: ISA and IOAPIC pins as KVM has them by default, and one MSI message for each GSI above. Pure bytes.
 */
import { ROUTING_IRQCHIP, ROUTING_MSI, routingEntry, routingHeader } from './structs.ts';

export interface MsiRoute {
  readonly gsi: number;
  readonly address: bigint;
  readonly data: number;
}

const PIC_MASTER = 0;
const PIC_SLAVE = 1;
const IOAPIC_CHIP = 2;
const IOAPIC_PINS = 24;

interface Row {
  readonly gsi: number;
  readonly type: number;
  readonly words: readonly [number, number, number];
}

/** GSIs 0 to 15 reach PIC and IOAPIC; IRQ 0 is pin 2 of the IOAPIC (MADT override); IRQ 2 is the cascade. */
function pins(): Row[] {
  const rows: Row[] = [];
  for (let gsi = 0; gsi < IOAPIC_PINS; gsi++) {
    if (gsi < 16 && gsi !== 2) {
      rows.push({ gsi, type: ROUTING_IRQCHIP, words: [gsi < 8 ? PIC_MASTER : PIC_SLAVE, gsi & 7, 0] });
    }
    if (gsi !== 2) rows.push({ gsi, type: ROUTING_IRQCHIP, words: [IOAPIC_CHIP, gsi === 0 ? 2 : gsi, 0] });
  }
  return rows;
}

/** struct kvm_irq_routing with all pins and the given messages. */
export function routingTable(messages: readonly MsiRoute[]): Uint8Array {
  const rows: Row[] = [
    ...pins(),
    ...messages.map(
      ({ gsi, address, data }): Row => ({
        gsi,
        type: ROUTING_MSI,
        words: [Number(address & 0xffff_ffffn), Number(address >> 32n), data],
      }),
    ),
  ];
  const table = new Uint8Array(routingHeader.size + rows.length * routingEntry.size);
  routingHeader.over(table).count = rows.length;
  rows.forEach(({ gsi, type, words }, i) => {
    const entry = routingEntry.over(table, routingHeader.size + i * routingEntry.size);
    Object.assign(entry, { gsi, type, addressLow: words[0], addressHigh: words[1], data: words[2] });
  });
  return table;
}

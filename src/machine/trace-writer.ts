/** A vCPU's side of the trace: adds time, number and symbol to what an exit was, and writes the line if its kind is wanted. */
import { symbolAt } from '../boot/elf/symbols.ts';
import { type TraceEvent, traceJson, traceText } from './trace-line.ts';
import { type TraceOrder, writeTrace } from './trace-output.ts';

export class TraceWriter {
  readonly #vcpu: number;
  readonly #order: TraceOrder;

  constructor(vcpu: number, order: TraceOrder) {
    this.#vcpu = vcpu;
    this.#order = order;
  }

  write(what: Omit<TraceEvent, 'time' | 'vcpu' | 'symbol'>): void {
    const { classes, format, fd, terminal, symbols, start } = this.#order;
    if (!classes.includes(what.class)) return;
    const time = Number(process.hrtime.bigint() - start) / 1000;
    const symbol = symbols && symbolAt(symbols, what.rip);
    const event: TraceEvent = { ...what, time: Math.round(time), vcpu: this.#vcpu, symbol };
    const line = format === 'json' ? traceJson(event) : traceText(event, terminal);
    writeTrace(fd, `${line}${terminal ? '\r\n' : '\n'}`);
  }
}

import { readLe, type Width, writeLe } from '../../src/base/bits.ts';
import type { RegisterBlock } from '../../src/bus/register-block.ts';

/** Plain memory behind a bus that writes down every access. */
export class Recorder implements RegisterBlock {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly accesses: string[] = [];

  constructor(name: string, size: number) {
    this.name = name;
    this.bytes = new Uint8Array(size);
  }

  read(offset: number, width: Width): number {
    this.accesses.push(`read ${offset} ${width}`);
    return readLe(this.bytes, offset, width);
  }

  write(offset: number, width: Width, value: number): void {
    this.accesses.push(`write ${offset} ${width} ${value.toString(16)}`);
    writeLe(this.bytes, offset, width, value);
  }

  registerName(offset: number): string | undefined {
    return offset === 0 ? 'first' : undefined;
  }
}

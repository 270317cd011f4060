/**
 * The run page as 32-bit words, and its account of a port or memory access (struct kvm_run) in the form that handlers and the
 * instruction reader share. Offsets are written out here because this is the hottest path of the launcher.
 */
import { EXIT } from '../kvm/constants.ts';
import type { TrappedAccess } from '../x86/trapped.ts';

const EXIT_REASON = 8 / 4;
/** io: direction, size, port, count, data offset. */
const IO = 0x20 / 4;
const IO_COUNT = 0x24 / 4;
const IO_DATA = 0x28 / 4;
/** mmio: address, eight bytes of data, length, whether it is a write. */
const MMIO_ADDRESS = 0x20 / 4;
const MMIO_DATA = 0x28 / 4;
const MMIO_LENGTH = 0x30 / 4;
const MMIO_IS_WRITE = 0x34 / 4;
const FOUR_GIB = 2 ** 32;
/** By width in bytes: bits of the low word. */
const LOW = [0, 0xff, 0xffff, 0xff_ffff, -1, -1, -1, -1, -1];
/** Bits of the high word. */
const HIGH = [0, 0, 0, 0, 0, 0xff, 0xffff, 0xff_ffff, -1];

export class ExitView {
  readonly words: Uint32Array;
  readonly bytes: Uint8Array;

  constructor(runPage: Uint8Array) {
    this.bytes = runPage;
    this.words = new Uint32Array(runPage.buffer, runPage.byteOffset, runPage.length >> 2);
  }

  get reason(): number {
    return this.words[EXIT_REASON]!;
  }

  /** Fills `access` from a KVM_EXIT_IO or KVM_EXIT_MMIO. */
  read(access: TrappedAccess): void {
    if (this.words[EXIT_REASON] === EXIT.IO) this.#port(access);
    else this.#memory(access);
  }

  /** Where the items of a port access stand in the run page. */
  get portData(): number {
    return this.words[IO_DATA]!;
  }

  /** Where the bytes of a memory access stand in the run page. */
  readonly memoryData = MMIO_DATA * 4;

  /** Hands the guest what it read, up to four bytes, at `offset` of the run page. */
  answer(offset: number, value: number, width: number): void {
    const { words, bytes } = this;
    if (width === 4 && (offset & 3) === 0) words[offset >> 2] = value;
    else for (let i = 0; i < width; i++) bytes[offset + i] = value >>> (8 * i);
  }

  #port(access: TrappedAccess): void {
    const { words } = this;
    const io = words[IO]!;
    const width = (io >>> 8) & 0xff;
    access.port = true;
    access.write = (io & 0xff) === 1;
    access.address = io >>> 16;
    access.width = width;
    access.count = words[IO_COUNT]!;
    access.value = access.write ? (words[words[IO_DATA]! >> 2]! & LOW[width]!) >>> 0 : 0;
    access.valueHigh = 0;
  }

  #memory(access: TrappedAccess): void {
    const { words } = this;
    const width = words[MMIO_LENGTH]!;
    access.port = false;
    access.write = (words[MMIO_IS_WRITE]! & 0xff) !== 0;
    access.address = words[MMIO_ADDRESS + 1]! * FOUR_GIB + words[MMIO_ADDRESS]!;
    access.width = width;
    access.count = 1;
    access.value = access.write ? (words[MMIO_DATA]! & LOW[width]!) >>> 0 : 0;
    access.valueHigh = access.write ? (words[MMIO_DATA + 1]! & HIGH[width]!) >>> 0 : 0;
  }
}

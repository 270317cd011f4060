/**
 * LOCK CMPXCHG16B: sixteen bytes compared and exchanged in one step, also as other processors see it. JavaScript's Atomics end at
 * eight, so this is a few bytes of machine code, mapped once a thread and called like a function of the C library.
 */
import koffi from 'koffi';
import { HostError } from '../base/errors.ts';
import { check, errno, sys } from './libc.ts';

const PAGE = 4096;
const PROT_READ_WRITE = 3;
const PROT_READ_EXECUTE = 5;
const MAP_PRIVATE_ANONYMOUS = 0x22;

/** void exchange16(void *place, uint64_t values[4]), by the System V convention: RDI and RSI are the arguments, RBX the caller's. */
const CODE = Uint8Array.of(
  ...[0x53], // push rbx
  ...[0x48, 0x8b, 0x06], // mov rax, [rsi]
  ...[0x48, 0x8b, 0x56, 0x08], // mov rdx, [rsi + 8]
  ...[0x48, 0x8b, 0x5e, 0x10], // mov rbx, [rsi + 16]
  ...[0x48, 0x8b, 0x4e, 0x18], // mov rcx, [rsi + 24]
  ...[0xf0, 0x48, 0x0f, 0xc7, 0x0f], // lock cmpxchg16b [rdi]
  ...[0x48, 0x89, 0x06], // mov [rsi], rax
  ...[0x48, 0x89, 0x56, 0x08], // mov [rsi + 8], rdx
  ...[0x5b, 0xc3], // pop rbx; ret
);

type Exchange = (place: Uint8Array, values: BigUint64Array) => void;

function assemble(): Exchange {
  const address = sys.mmap(null, PAGE, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
  if (BigInt.asIntN(64, address) === -1n) {
    throw new HostError(`Mapping a page failed with ${errno()}.`, undefined, { syscall: 'mmap', errno: errno() });
  }
  new Uint8Array(koffi.view(address, PAGE)).set(CODE);
  check('mprotect', sys.mprotect(address, PAGE, PROT_READ_EXECUTE));
  const type = koffi.proto('void', ['void *', 'void *']);
  return (place, values) => koffi.call(address, type, place, values);
}

let exchange: Exchange | undefined;

/**
 * `values` is what is expected, low half first, then what to store. Stores it if the 16 bytes at `place`, which must be aligned, are
 * what is expected; in any case the first two values are afterwards what was found.
 */
export function compareExchange16(place: Uint8Array, values: BigUint64Array): void {
  exchange ??= assemble();
  exchange(place, values);
}

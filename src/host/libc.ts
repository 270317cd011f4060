/**
 * The C library through koffi: every system call that Node does not offer, declared once. A call that fails becomes a typed
 * HostError; callers that expect certain errors ask `errno()` themselves. Nothing outside src/host imports koffi.
 */
import koffi from 'koffi';
import { HostError } from '../base/errors.ts';

export const libc = koffi.load('libc.so.6');

/** Arguments go to the kernel as they are: numbers, bigints for addresses, typed arrays for pointers to their bytes. */
export const sys = {
  ioctlValue: libc.func('int ioctl(int fd, unsigned long request, intptr_t value)') as (
    fd: number,
    request: number,
    value: number | bigint,
  ) => number,
  ioctlPointer: libc.func('int ioctl(int fd, unsigned long request, void *argument)') as (
    fd: number,
    request: number,
    argument: Uint8Array,
  ) => number,
  mmap: libc.func('void *mmap(void *address, size_t length, int prot, int flags, int fd, int64_t offset)') as (
    address: bigint | null,
    length: number,
    prot: number,
    flags: number,
    fd: number,
    offset: number,
  ) => bigint,
  munmap: libc.func('int munmap(void *address, size_t length)') as (address: bigint, length: number) => number,
  mprotect: libc.func('int mprotect(void *address, size_t length, int prot)') as (
    address: bigint,
    length: number,
    prot: number,
  ) => number,
  madvise: libc.func('int madvise(void *address, size_t length, int advice)') as (
    address: bigint,
    length: number,
    advice: number,
  ) => number,
  memfd_create: libc.func('int memfd_create(const char *name, unsigned int flags)') as (
    name: string,
    flags: number,
  ) => number,
  ftruncate: libc.func('int ftruncate(int fd, int64_t length)') as (fd: number, length: number) => number,
  fallocate: libc.func('int fallocate(int fd, int mode, int64_t offset, int64_t length)') as (
    fd: number,
    mode: number,
    offset: number,
    length: number,
  ) => number,
  eventfd: libc.func('int eventfd(unsigned int initial, int flags)') as (initial: number, flags: number) => number,
  read: libc.func('intptr_t read(int fd, void *buffer, size_t count)') as (
    fd: number,
    buffer: Uint8Array,
    count: number,
  ) => number,
  write: libc.func('intptr_t write(int fd, const void *buffer, size_t count)') as (
    fd: number,
    buffer: Uint8Array,
    count: number,
  ) => number,
  close: libc.func('int close(int fd)') as (fd: number) => number,
  gettid: libc.func('int gettid()') as () => number,
  tgkill: libc.func('int tgkill(int tgid, int tid, int signal)') as (
    tgid: number,
    tid: number,
    signal: number,
  ) => number,
  pthread_sigmask: libc.func('int pthread_sigmask(int how, const void *set, void *old)') as (
    how: number,
    set: Uint8Array,
    old: Uint8Array | null,
  ) => number,
  sigtimedwait: libc.func('int sigtimedwait(const void *set, void *info, const void *timeout)') as (
    set: Uint8Array,
    info: Uint8Array | null,
    timeout: Uint8Array,
  ) => number,
  chroot: libc.func('int chroot(const char *path)') as (path: string) => number,
};

/** EAGAIN has a second name, which would win by coming later. */
const errnoNames = new Map(
  Object.entries(koffi.os.errno).flatMap(([name, value]) => (name === 'EWOULDBLOCK' ? [] : [[value, name] as const])),
);

/** The calling thread's errno, by name, right after a failed call. */
export function errno(): string {
  return errnoName(koffi.errno());
}

/** The symbolic name of an errno. */
export function errnoName(value: number): string {
  return errnoNames.get(value) ?? `errno ${value}`;
}

/** Passes a non-negative result through; throws a HostError that names the call and errno otherwise. */
export function check(syscall: string, result: number, remedy?: string): number {
  if (result >= 0) return result;
  const name = errno();
  throw new HostError(`${syscall} failed with ${name}.`, remedy, { syscall, errno: name });
}

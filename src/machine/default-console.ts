/**
 * A console for kernels whose user names none. The virtio console is the one that is fast and knows the window's size, but a
 * stock kernel has its driver in a module, so early messages need another way out.
 *
 * `console=ttyS0 console=hvc0` would print every message twice on the one terminal behind both, the whole log again once the
 * virtio driver arrives. A boot console does not: Linux takes `earlyprintk` away the moment a real console registers, and
 * continues there with the next line (register_console in kernel/printk/printk.c). Where the virtio driver never comes, the
 * kernel's messages go on over the serial port; programs then have no console until the user asks for `console=ttyS0`.
 */

/** Kernel messages over the serial port until the real console registers. */
const EARLY = 'earlyprintk=serial,ttyS0,115200';
const VIRTIO_CONSOLE = 'console=hvc0';

/** The arguments to put before the user's: none if a console is named, no early one if the user has one. */
export function defaultConsole(commandLine: readonly string[]): string[] {
  const named = (...keys: string[]) =>
    commandLine.some(word => keys.some(key => word === key || word.startsWith(`${key}=`)));
  if (named('console')) return [];
  return named('earlyprintk', 'earlycon') ? [VIRTIO_CONSOLE] : [EARLY, VIRTIO_CONSOLE];
}

/**
 * News about network interfaces from the kernel: a routing netlink socket (rtnetlink(7)) in the group that hears of every change
 * to a link. What the messages say is not looked at: whoever listens asks how his interface is.
 */
import koffi from 'koffi';
import { closeFd } from './eventfd.ts';
import { check, libc, sys } from './libc.ts';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const NETLINK_ROUTE = 0;
const RTMGRP_LINK = 1;

const socket: (family: number, type: number, protocol: number) => number = libc.func(
  'int socket(int family, int type, int protocol)',
);
const bind: (fd: number, address: Uint8Array, length: number) => number = libc.func(
  'int bind(int fd, const void *address, unsigned int length)',
);

export interface LinkMonitor {
  close(): void;
}

/** Calls back after each change to any interface of this network namespace; several changes may share a call. */
export function monitorLinks(changed: () => void): LinkMonitor {
  const fd = check('socket', socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE));
  // struct sockaddr_nl: family, padding, port, groups.
  const address = new Uint8Array(new Uint32Array([AF_NETLINK, 0, RTMGRP_LINK]).buffer);
  check('bind', bind(fd, address, address.length));
  const message = new Uint8Array(8192);
  const poll = koffi.node.poll(fd, { readable: true }, () => {
    // An overrun (ENOBUFS) is news as well; either way nothing must be left that would wake us again at once.
    while (sys.read(fd, message, message.length) > 0);
    changed();
  });
  return {
    close: () => {
      poll.stop();
      poll.close();
      closeFd(fd);
    },
  };
}

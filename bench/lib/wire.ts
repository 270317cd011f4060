// A network of its own for each sample: a namespace with one tap, the host's end at 10.0.0.1, and nothing that leads elsewhere. It is
// gone with the launcher that runs in it, whatever becomes of that.

export const TAP = 'tap0';
export const HOST = '10.0.0.1';
export const GUEST = '10.0.0.2';
export const MAC = '52:54:00:12:34:56';

const SCRIPT = `
set -e
sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
ip link set lo up
ip tuntap add dev ${TAP} mode tap vnet_hdr
ip address add ${HOST}/24 dev ${TAP}
ip link set ${TAP} up
`;

/** `command` in such a network. `beside` is a shell line that runs there meanwhile; `before` one that has to end first. */
export function onWire(
  command: readonly string[],
  { before = '', beside }: { before?: string; beside?: string } = {},
): string[] {
  const end = beside
    ? `${beside} >/dev/null & peer=$!; set +e; "$@"; status=$?; kill $peer; exit $status`
    : 'exec "$@"';
  // A user namespace, too, for whoever is not root.
  const own = process.getuid?.() === 0 ? [] : ['--map-root-user'];
  const unshare = ['unshare', ...own, '--net', '--pid', '--mount-proc', '--fork', '--kill-child'];
  return [...unshare, 'sh', '-c', `${SCRIPT}${before}\n${end}`, 'sh', ...command];
}

// What every tiny guest needs to pass its own judgement, once for all launchers. A case is named after its guest and what is
// special about it.
import type { GuestNeeds, Launcher } from '../../fixtures/guests/launchers.ts';

export interface TinyCase {
  name: string;
  guest: string;
  needs?: GuestNeeds;
  /** A fresh disk of this many MiB; read-only with `readOnly`. */
  disk?: number;
  readOnly?: boolean;
  /** A network device, on a tap whose other end is the host; `none`: on no wire. */
  net?: 'tap' | 'none';
  /** Further words for tslaunch's --block, with commas between; "format=qcow2" makes it one. */
  diskWords?: string;
  /** The QEMU machine that must agree; none where a stock QEMU differs on purpose or takes long. */
  qemu?: Launcher;
  /** Words that only tslaunch gets: what the specification leaves open and tslaunch promises. */
  strict?: string[];
}

export const CASES: TinyCase[] = [
  { name: 'hello', guest: 'hello', qemu: 'qemu-microvm' },
  { name: 'hello in 4 MiB', guest: 'hello', needs: { memory: 4 } },
  { name: 'mem, 64 MiB', guest: 'mem', needs: { memory: 64, arguments: ['expect=64'] }, qemu: 'qemu-microvm' },
  { name: 'mem, 5120 MiB', guest: 'mem', needs: { memory: 5120, arguments: ['expect=5120'] }, qemu: 'qemu-pc' },
  { name: 'rng', guest: 'rng', needs: { rng: true }, qemu: 'qemu-pc' },
  { name: 'pci', guest: 'pci', needs: { rng: true }, qemu: 'qemu-q35' },
  { name: 'block', guest: 'block', disk: 1, qemu: 'qemu-pc' },
  { name: 'block by MSI-X', guest: 'block', disk: 1, needs: { arguments: ['irq=msix'] } },
  { name: 'block by INTx', guest: 'block', disk: 1, needs: { arguments: ['irq=intx'] }, qemu: 'qemu-q35' },
  {
    name: 'block by MSI-X, indirect, event index',
    guest: 'block',
    disk: 1,
    needs: { arguments: ['irq=msix', 'indirect=1', 'event-idx=1'] },
    qemu: 'qemu-q35',
  },
  { name: 'block by INTx, event index', guest: 'block', disk: 1, needs: { arguments: ['irq=intx', 'event-idx=1'] } },
  { name: 'block, read-only', guest: 'block', disk: 1, readOnly: true, qemu: 'qemu-pc' },
  {
    name: 'what a disk offers',
    guest: 'blk-features',
    disk: 1,
    needs: { arguments: ['irq=msix', 'zeroes=1', 'discard=1', 'wce=1'] },
    qemu: 'qemu-q35',
  },
  {
    name: 'what a disk offers, four queues',
    guest: 'blk-features',
    disk: 1,
    diskWords: 'queues=4',
    needs: { cpus: 4, arguments: ['queues=4', 'indirect=1'] },
    qemu: 'qemu-q35',
  },
  {
    name: 'what a qcow2 disk offers, past the page cache',
    guest: 'blk-features',
    disk: 1,
    diskWords: 'format=qcow2,cache=none,queues=2',
    needs: { arguments: ['irq=intx', 'queues=2', 'discard=1', 'wce=1'] },
  },
  {
    name: 'what a disk without a cache offers',
    guest: 'blk-features',
    disk: 1,
    diskWords: 'cache=writethrough,discard=off',
    needs: { arguments: ['zeroes=1', 'discard=0', 'wce=0'] },
  },
  {
    name: 'virtio registers, rng',
    guest: 'virtio-regs',
    needs: { rng: true },
    strict: ['strict=1'],
    qemu: 'qemu-pc',
  },
  { name: 'virtio registers, block', guest: 'virtio-regs', disk: 1, strict: ['strict=1'] },
  {
    name: "a driver's mistakes, rng",
    guest: 'bad-driver',
    needs: { rng: true },
    strict: ['strict=1'],
    qemu: 'qemu-pc',
  },
  { name: "a driver's mistakes, block", guest: 'bad-driver', disk: 1, strict: ['strict=1'] },
  { name: 'network', guest: 'net', net: 'tap', strict: ['strict=1'], qemu: 'qemu-pc' },
  {
    name: 'network, mergeable buffers, MSI-X, indirect, event index',
    guest: 'net',
    net: 'tap',
    needs: { arguments: ['mrg=1', 'irq=msix', 'indirect=1', 'event-idx=1'] },
    strict: ['strict=1'],
    qemu: 'qemu-q35',
  },
  { name: 'network by INTx', guest: 'net', net: 'tap', needs: { arguments: ['irq=intx'] }, qemu: 'qemu-q35' },
  { name: 'network without a wire', guest: 'net', net: 'none', needs: { arguments: ['link=down'] } },
  { name: "a network driver's mistakes", guest: 'net-mistakes', net: 'tap', strict: ['strict=1'], qemu: 'qemu-q35' },
  {
    name: "a network driver's mistakes, mergeable buffers",
    guest: 'net-mistakes',
    net: 'tap',
    needs: { arguments: ['mrg=1'] },
    strict: ['strict=1'],
  },
  {
    name: 'network-bench',
    guest: 'net-bench',
    net: 'tap',
    needs: { arguments: ['op=tx', 'n=2000', 'bytes=65226', 'pieces=17'] },
  },
  { name: 'one processor', guest: 'smp', needs: { cpus: 1, arguments: ['cpus=1'] } },
  { name: 'four processors', guest: 'smp', needs: { cpus: 4, arguments: ['cpus=4'] }, qemu: 'qemu-q35' },
  // QEMU leaves its KVM's SYSCALL as it is.
  { name: 'user mode', guest: 'usermode' },
  { name: 'block-bench', guest: 'blk-bench', disk: 8, needs: { arguments: ['op=both', 'n=200', 'irq=msix'] } },
  { name: 'exits', guest: 'exits', needs: { arguments: ['n=100'] }, qemu: 'qemu-microvm' },
];

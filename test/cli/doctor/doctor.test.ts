import { describe, expect, it } from 'vitest';
import { GiB, MiB } from '../../../src/base/bits.ts';
import { diagnose, formatFindings, guestsCanRun } from '../../../src/cli/doctor/doctor.ts';
import { examineHost, type HostFacts } from '../../../src/cli/doctor/host.ts';

/** A host that has everything. */
const HEALTHY: HostFacts = {
  nodeVersion: '20.19.0',
  user: 'ada',
  isRoot: false,
  netAdmin: true,
  container: false,
  virtualisation: 'vmx',
  kvm: { kind: 'usable', apiVersion: 12, maxCpus: 1024 },
  kvmGroup: 'kvm',
  tunError: undefined,
  memoryTotal: 16 * GiB,
  memoryAvailable: 8 * GiB,
  openFiles: { soft: 1024, hard: 4096 },
  programs: new Set(['ip', 'qemu-system-x86_64', 'apt-get', 'mke2fs']),
};
const unusable = (errno: string) => ({ kind: 'unusable', errno, message: `/dev/kvm: ${errno}` }) as const;
const find = (host: Partial<HostFacts>, name: string) =>
  diagnose({ ...HEALTHY, ...host }).find(each => each.name === name);

describe('the doctor', () => {
  it('finds nothing wrong with a host that has everything', () => {
    const findings = diagnose(HEALTHY);
    expect(findings.filter(each => each.status !== 'ok')).toEqual([]);
    expect(findings.filter(each => each.remedy)).toEqual([]);
    expect(guestsCanRun(findings)).toBe(true);
  });

  it.each<[string, Partial<HostFacts>, string]>([
    ['no driver on Intel', { kvm: unusable('ENOENT') }, 'sudo modprobe kvm_intel'],
    ['no driver on AMD', { kvm: unusable('ENODEV'), virtualisation: 'svm' }, 'sudo modprobe kvm_amd'],
    ['no extension', { kvm: unusable('ENOENT'), virtualisation: undefined }, 'Enable virtualisation'],
    ['a container without it', { kvm: unusable('ENOENT'), container: true }, 'docker run --device /dev/kvm'],
    ['a device rule', { kvm: unusable('EPERM') }, 'docker run --device /dev/kvm'],
    ['not in the group', { kvm: unusable('EACCES') }, 'sudo usermod -aG kvm ada'],
    ['no group', { kvm: unusable('EACCES'), kvmGroup: undefined }, 'sudo chmod 666 /dev/kvm'],
    ['something else', { kvm: { ...unusable('EMFILE'), remedy: 'Do this.' } }, 'Do this.'],
    ['no koffi', { kvm: { kind: 'uncallable', message: 'no binary' } }, 'Make koffi load first.'],
  ])('says how to get /dev/kvm: %s', (_, host, remedy) => {
    expect(find(host, '/dev/kvm')).toMatchObject({ status: 'missing', remedy: expect.stringContaining(remedy) });
    expect(guestsCanRun(diagnose({ ...HEALTHY, ...host }))).toBe(false);
  });

  it('tells a koffi that does not load', () => {
    const koffi = find({ kvm: { kind: 'uncallable', message: 'no binary' } }, 'koffi');
    expect(koffi).toMatchObject({ status: 'missing', found: 'no binary', remedy: expect.stringContaining('npm ci') });
  });

  it('lets guests run, slowly, on a KVM in software', () => {
    const host = { ...HEALTHY, virtualisation: undefined };
    expect(find(host, 'virtualisation')?.status).toBe('limited');
    expect(guestsCanRun(diagnose(host))).toBe(true);
  });

  it.each(['18.20.0', '20.18.3', '16.0.0'])('refuses Node.js %s', nodeVersion => {
    expect(find({ nodeVersion }, 'Node.js')?.status).toBe('missing');
  });

  it.each(['20.19.0', '22.0.0', '24.1.2'])('takes Node.js %s', nodeVersion => {
    expect(find({ nodeVersion }, 'Node.js')?.status).toBe('ok');
  });

  it.each<[Partial<HostFacts>, string, string]>([
    [{ memoryAvailable: 100 * MiB }, 'memory', 'less memory'],
    [{ memoryAvailable: 2 * GiB }, 'nested lab', '3 GiB'],
    [{ openFiles: { soft: 256, hard: 4096 } }, 'open files', 'ulimit -n 1024'],
    [{ openFiles: { soft: 256, hard: 256 } }, 'open files', 'sudo prlimit'],
    [{ tunError: 'ENOENT' }, 'tap networking', 'sudo modprobe tun'],
    [{ tunError: 'ENOENT', container: true }, 'tap networking', 'docker run --device /dev/net/tun'],
    [{ tunError: 'EACCES' }, 'tap networking', 'sudo chmod 666 /dev/net/tun'],
    [{ netAdmin: false }, 'tap networking', 'mode tap user ada'],
    [{ netAdmin: false, container: true }, 'tap networking', '--cap-add NET_ADMIN'],
    [{ programs: new Set(['apt-get']) }, 'bridge tools', 'iproute2'],
    [{ programs: new Set(['apt-get']) }, 'nested lab', 'apt-get install qemu-system-x86'],
    [{ programs: new Set<string>() }, 'nested lab', 'Install QEMU'],
  ])('%j limits %s, guests run all the same', (host, name, remedy) => {
    expect(find(host, name)).toMatchObject({ status: 'limited', remedy: expect.stringContaining(remedy) });
    expect(guestsCanRun(diagnose({ ...HEALTHY, ...host }))).toBe(true);
  });

  it('takes an unlimited number of open files', () => {
    const openFiles = { soft: Number.POSITIVE_INFINITY, hard: Number.POSITIVE_INFINITY };
    expect(find({ openFiles }, 'open files')).toEqual({ name: 'open files', status: 'ok', found: 'no limit' });
  });
});

describe('its report', () => {
  const findings = diagnose({ ...HEALTHY, kvm: unusable('ENOENT') });

  it('is plain text on a pipe', () => {
    const text = formatFindings(findings, false);
    expect(text).not.toContain('\u001b');
    expect(text).toMatch(/^missing {2}\/dev\/kvm +does not exist\n +-> sudo modprobe kvm_intel$/m);
    expect(text).toMatch(/^ok {7}Node\.js +20\.19\.0$/m);
    expect(text.endsWith('Guests cannot run here until what is missing is there.\n')).toBe(true);
  });

  it('is coloured on a terminal', () => {
    expect(formatFindings(findings, true)).toContain('\u001b[31mmissing');
  });
});

describe('examining this very host', () => {
  it('finds what is plain to see', async () => {
    const host = await examineHost();
    expect(host.nodeVersion).toBe(process.versions.node);
    expect(host.isRoot).toBe(process.getuid?.() === 0);
    expect(host.memoryTotal).toBeGreaterThan(host.memoryAvailable);
    expect(host.memoryAvailable).toBeGreaterThan(0);
    expect(host.openFiles.soft).toBeGreaterThan(0);
    expect(host.openFiles.hard).toBeGreaterThanOrEqual(host.openFiles.soft);
    expect(['usable', 'unusable']).toContain(host.kvm.kind);
  });
});

import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buildGuest } from '../../fixtures/guests/build.ts';
import { directLab } from '../../fixtures/lab/direct.ts';
import { makeScratch } from '../../fixtures/support/cache.ts';
import { ensurePackages } from '../../fixtures/support/packages.ts';
import { silent } from '../../fixtures/support/progress.ts';
import { CRASH, HANG, POWER_OFF, print, program, SPIN } from '../support/kernel-files.ts';
import { Session } from './console-support/session.ts';

// tslaunch on a user's terminal, with guests of a few instructions on this machine's own KVM: whichever way it ends, the terminal
// is as it was.
const MISTAKE = new URL('console-support/mistake.cjs', import.meta.url).pathname;
/** mov dx, 0xbad; in al, dx: what the planted mistake waits for. */
const ASK_FOR_MISTAKE = [0x66, 0xba, 0xad, 0x0b, 0xec];

const here = directLab('on this machine: these guests run on any KVM');
let scratch: string;
let session: Session | undefined;
let sessions = 0;

beforeAll(async () => {
  await ensurePackages(['tmux'], silent);
  scratch = await makeScratch('test-');
});
afterEach(async () => {
  await session?.tmux.close();
  session = undefined;
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Options {
  mistake?: string;
  cpus?: number;
}

async function started(kernel: string, { mistake, cpus = 1 }: Options = {}): Promise<Session> {
  const directory = join(scratch, `session${sessions++}`);
  mkdirSync(directory);
  const environment = mistake ? `NODE_OPTIONS='--require ${MISTAKE}' MISTAKE=${mistake}` : '';
  session = await Session.start(here, ['64', kernel, '--cpus', String(cpus)], { directory, environment });
  return session;
}

/** A guest that prints "k" and goes on with this code. */
function guest(name: string, ...code: number[][]): string {
  const path = join(scratch, name);
  writeFileSync(path, program([print('k'), ...code].flat()));
  return path;
}
const running = (on: Session) => on.tmux.shows(/^k/m);

describe('the terminal is as it was', () => {
  it('after a power-off', async () => {
    const on = await started(guest('off', POWER_OFF, HANG));
    expect(await on.over()).toBe(0);
    await on.tmux.shows(/^kover$/m);
  });

  it('after a crash', async () => {
    const on = await started(guest('crash', CRASH));
    expect(await on.over()).toBe(1);
    await on.tmux.shows(/^ktslaunch: The guest ended in a triple fault\.$/m);
  });

  it.each([
    ['^C^C^C, the guest halting', HANG],
    ['^C^C^C, the guest spinning', SPIN],
  ])('after %s', async (_name, code) => {
    const on = await started(guest('waiting', code), { cpus: 2 });
    await running(on);
    await on.tmux.type('\x03\x03\x03');
    expect(await on.over()).toBe(130);
  });

  it.each([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGQUIT', 131],
  ] as const)('after %s', async (signal, status) => {
    const on = await started(guest('spinning', SPIN));
    await running(on);
    process.kill(on.pid, signal);
    expect(await on.over()).toBe(status);
  });

  it.each(['throw', 'reject'])('after an exception on main, by %s, while the guest runs', async mistake => {
    for (const code of [HANG, SPIN]) {
      const on = await started(guest('waiting', code), { mistake, cpus: 2 });
      await running(on);
      process.kill(on.pid, 'SIGUSR2');
      expect(await on.over()).toBe(1);
      await on.tmux.shows(/^ktslaunch: Internal error: a mistake of ours$/m);
      await on.tmux.close();
    }
  });

  it('after an exception in the thread of a vCPU, while the others run', async () => {
    const on = await started(guest('asking', ASK_FOR_MISTAKE, SPIN), { mistake: 'exit', cpus: 2 });
    expect(await on.over()).toBe(1);
    await on.tmux.shows(/^ktslaunch: vCPU 0: .*a mistake of ours/m);
  });

  it.each([
    ['is loading', 'load'],
    ['has loaded, and waits for its guest', 'wait'],
  ])('after an exception in the thread of a vCPU that %s', async (_name, mistake) => {
    const on = await started(guest('waiting', HANG), { mistake });
    expect(await on.over()).toBe(1);
    await on.tmux.shows(/^tslaunch: A vCPU thread failed.*: a mistake of ours/m);
  });
});

describe('the window closed under a running guest', () => {
  it.each([
    ['halting', HANG],
    ['spinning', SPIN],
  ])('ends tslaunch, the guest %s', async (_name, code) => {
    const on = await started(guest('waiting', code), { cpus: 2 });
    await running(on);
    const { pid } = on;
    await on.tmux.close();
    await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 60_000, interval: 50 }).toBe(false);
  });
});

describe('typing', () => {
  it('reaches a guest that listens on the serial port, ^C too', async () => {
    const on = await started(await buildGuest('echo'));
    await on.tmux.shows(/^ready$/m);
    await on.tmux.type('what is typed');
    await on.tmux.shows(/^what is typed$/m);
    // Two of them are the guest's.
    for (const keys of ['\x03', '\x03', '!', '\x03', '\x04']) await on.tmux.type(keys);
    expect(await on.over()).toBe(0);
    await on.tmux.shows(/^18 bytes in \d+ interrupts$/m);
  });

  it('reaches a guest that listens on the virtio console', async () => {
    const on = await started(await buildGuest('echo-console'));
    await on.tmux.shows(/^ready$/m);
    await on.tmux.type('what is typed');
    await on.tmux.shows(/^what is typed$/m);
    await on.tmux.type('\x04');
    expect(await on.over()).toBe(0);
    await on.tmux.shows(/echoed 14 bytes$/m);
  });
});

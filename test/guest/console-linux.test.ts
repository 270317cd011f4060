import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeDisk } from '../../fixtures/linux/disk.ts';
import { ensurePackages } from '../../fixtures/support/packages.ts';
import { silent } from '../../fixtures/support/progress.ts';
import { Session } from './console-support/session.ts';
import { kernel } from './support/linux.ts';
import { usePlace } from './support/place.ts';

// A shell of a Linux guest on a user's terminal: what one does there. A boot takes seconds, so one guest serves for much.
const SHELL = `export PS1='guest> '
setsid cttyhack sh
poweroff -f
`;

/** Says so when it is what runs in front: a shell between two commands takes ^C for itself, and may then wait for the second one's end. */
const SLEEP = `sh -c 'echo asleep; exec sleep 100'\n`;

const place = usePlace();
let words: string[];
let session: Session | undefined;

beforeAll(async () => {
  await ensurePackages(['tmux'], silent);
  const disk = join(place.scratch, 'shell.img');
  await makeDisk(disk, { size: 16, init: SHELL });
  words = ['128', (await kernel('x86_64')).vmlinux, 'quiet', 'root=/dev/vda', 'ro', '--block', `${disk},ro`];
});
afterEach(async () => {
  await session?.tmux.close();
  session = undefined;
});

async function boot(...more: string[]): Promise<Session> {
  const directory = join(place.scratch, `session${more.length}`);
  mkdirSync(directory);
  session = await Session.start(place.lab, [...words, ...more], { directory, columns: 100, rows: 30 });
  await session.tmux.shows(/^guest>$/m);
  return session;
}

describe('a shell on the virtio console', () => {
  it('has keys, a window and full-screen programs; ^C is its own, but for three', async () => {
    const { tmux } = await boot();
    const keys = (text: string) => tmux.type(text);

    await keys('echo $((6 * 7)) is the answer\n');
    await tmux.shows(/^42 is the answer$/m);

    await keys('stty size\n');
    await tmux.shows(/^30 100$/m);
    await keys('while [ "$(stty size)" = "30 100" ]; do sleep 0.1; done; stty size\n');
    await tmux.resize(120, 40);
    await tmux.shows(/^40 120$/m);

    await keys('vi /tmp/note\n');
    await tmux.shows(/^~$/m);
    await keys('ifirst line\nsecond line\x1b');
    const editor = (await tmux.shows(/^first line\nsecond line\n~\n[\s\S]*\n- \/tmp\/note/)).split('\n');
    // The text, and to the last line but one: nothing.
    expect(editor.slice(2, 39)).toEqual(Array.from({ length: 37 }, () => '~'));
    await keys(':wq\n');
    await tmux.shows(/guest>$/);
    await keys('clear; wc -l -c /tmp/note\n');
    await tmux.shows(/^ +2 +23 \/tmp\/note$/m);

    await keys('top -d 1\n');
    const top = await tmux.shows(/^Mem: [\s\S]*^ +PID +PPID USER[\s\S]*\btop -d 1$/m);
    expect(top).toMatch(/^Mem: \d+K used/);
    await keys('q');
    await tmux.shows(/guest>$/);

    await keys(SLEEP);
    await tmux.shows(/^asleep$/m);
    await keys('\x03');
    await tmux.shows(/guest>$/);
    await keys('echo it ended with $?\n');
    await tmux.shows(/^it ended with 130$/m);

    await tmux.resize(100, 30);
    await keys('clear; until [ "$(stty size)" = "30 100" ]; do sleep 0.1; done; echo small again\n');
    await tmux.shows(/^small again$/m);
    // At once: a machine that is busy may take a second from one key to the next.
    await keys('\x03\x03\x03');
    expect(await session!.over()).toBe(130);
  });
});

describe('a shell on the serial port', () => {
  it('has keys, ^C too, and powers off', async () => {
    const { tmux } = await boot('console=ttyS0');
    await tmux.type('tty; echo $((6 * 7)) is the answer\n');
    await tmux.shows(/^\/dev\/ttyS0\n42 is the answer$/m);
    await tmux.type(SLEEP);
    await tmux.shows(/^asleep$/m);
    await tmux.type('\x03');
    await tmux.shows(/guest>$/);
    await tmux.type('poweroff -f\n');
    expect(await session!.over()).toBe(0);
  });
});

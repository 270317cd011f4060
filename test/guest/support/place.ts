// Where a file of guest tests works: the run's lab, a scratch directory that both sides see, and, after each test, a look at
// whether tslaunch has left anything behind there.
import { readdirSync, rmSync, statSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { openLab } from '../../../fixtures/lab/open.ts';
import type { Lab } from '../../../fixtures/lab/types.ts';
import { makeScratch } from '../../../fixtures/support/cache.ts';
import { Guest, type StartOptions } from './guest.ts';

export interface Place {
  readonly lab: Lab;
  /** For disks and other inputs. */
  readonly scratch: string;
  /** Starts a guest in an empty directory of its own. What is left of it after the test ends the test badly. */
  start(words: readonly string[], options?: Omit<StartOptions, 'directory'>): Guest;
}

/** To be called at the top of a test file. */
export function usePlace(): Place {
  let lab: Lab | undefined;
  let scratch: string;
  let directory: string;
  let guests: Guest[] = [];
  beforeAll(async () => {
    lab = await openLab();
    scratch = await makeScratch('test-');
    directory = await makeScratch('test-cwd-');
  });
  afterAll(async () => {
    await lab?.close();
    for (const path of [scratch, directory]) rmSync(path, { recursive: true, force: true });
  });
  afterEach(async () => {
    const ours = guests;
    guests = [];
    for (const guest of ours) await guest.destroy();
    const pids = await Promise.all(ours.map(guest => guest.pid));
    if (pids.length) expect(await leftovers(lab!, pids, scratch), 'left behind').toEqual([]);
    expect(readdirSync(directory), 'files left behind').toEqual([]);
  });
  return {
    get lab() {
      return lab!;
    },
    get scratch() {
      return scratch;
    },
    start(words, options = {}) {
      const guest = Guest.start(lab!, words, { ...options, directory });
      guests.push(guest);
      return guest;
    },
  };
}

/** Processes of the launchers' groups, and locks on files of a directory, that are still there. */
async function leftovers(lab: Lab, pids: readonly number[], directory: string): Promise<string[]> {
  const inodes = readdirSync(directory).map(name => statSync(`${directory}/${name}`).ino);
  const script = `
    for stat in /proc/[0-9]*/stat; do
      read -r line <"$stat" || continue
      set -- \${line##*) }
      case " ${pids.join(' ')} " in *" $3 "*) [ "$1" = Z ] || echo "process $line" ;; esac
    done 2>/dev/null
    cat /proc/locks`;
  const { stdout } = await lab.run('sh', ['-c', script]);
  const lines = stdout.toString().split('\n');
  const locked = (line: string) => inodes.some(inode => line.includes(`:${inode} `));
  return lines.filter(line => line.startsWith('process ') || (/^\d+: /.test(line) && locked(line)));
}

// tslaunch between two looks at the terminal's settings, in a shell under tmux: what `stty -a` says before and after must be the same.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Lab } from '../../../fixtures/lab/types.ts';
import { PROGRAM } from '../../support/program.ts';
import { Tmux } from './tmux.ts';

const BETWEEN = `stty -a >before
sh -c 'echo $$ >pid; exec "$@"' sh "$@"
echo $? >status
stty -a >after
echo over
`;
const PATIENCE = { timeout: 120_000, interval: 100 };

export interface SessionOptions {
  /** An empty directory for this session alone. */
  directory: string;
  columns?: number;
  rows?: number;
  /** Assignments in front of the command. */
  environment?: string;
}

export class Session {
  readonly tmux: Tmux;
  readonly #directory: string;

  private constructor(tmux: Tmux, directory: string) {
    this.tmux = tmux;
    this.#directory = directory;
  }

  /** Types a command line that starts tslaunch with these words, and waits until it has started. */
  static async start(lab: Lab, words: readonly string[], options: SessionOptions): Promise<Session> {
    const { directory, columns = 100, rows = 30, environment = '' } = options;
    writeFileSync(join(directory, 'between'), BETWEEN);
    const tmux = new Tmux(lab, { columns, rows, cwd: directory });
    const session = new Session(tmux, directory);
    await tmux.type(`clear; ${environment} sh between ${process.execPath} ${PROGRAM} ${words.join(' ')}\n`);
    await expect.poll(() => session.#read('pid'), PATIENCE).toMatch(/\n$/);
    return session;
  }

  /** The launcher's process id, in the lab. */
  get pid(): number {
    return Number(this.#read('pid'));
  }

  /** Waits for the launcher's end. Returns its status, and checks what it has left of the terminal. */
  async over(): Promise<number> {
    await expect.poll(() => this.#read('after'), PATIENCE).toMatch(/\n$/);
    const before = this.#read('before');
    // Not raw, and as large as it should be: the comparison is between two looks at something.
    expect(before).toMatch(/\bisig icanon\b.* echo /s);
    expect(this.#read('after')).toBe(before);
    return Number(this.#read('status'));
  }

  #read(name: string): string {
    const path = join(this.#directory, name);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }
}

// A terminal as a user has it: tmux with one window, looked at and typed into. One control-mode client, over which all commands
// go, keeps the server alive and takes it along when the test's process ends, however that happens.
import type { Lab, LabProcess } from '../../../fixtures/lab/types.ts';

/** How long a screen may take to show what it should, in ms: machines are busy, the lab's processor is emulated. */
const PATIENCE = 120_000;
const LOOK_MS = 100;

export interface WindowOptions {
  columns: number;
  rows: number;
  /** Where its shell starts. */
  cwd: string;
}

let count = 0;

export class Tmux {
  readonly #client: LabProcess;
  readonly #window: Promise<unknown>;
  readonly #replies: ((reply: string[] | Error) => void)[] = [];
  #rest = '';
  #reply: { end: string; lines: string[] } | undefined;
  #gone: Error | undefined;

  /** Opens a window with a shell in the lab; `close` ends it. */
  constructor(lab: Lab, { columns, rows, cwd }: WindowOptions) {
    const server = ['-L', `tslaunch-${process.pid}-${count++}`, '-f', '/dev/null'];
    this.#client = lab.spawn('tmux', [...server, '-C', 'new-session', 'exec sh'], { cwd });
    this.#client.stdin.on('error', () => {});
    this.#client.stdout.on('data', (bytes: Buffer) => this.#heard(bytes.toString('latin1')));
    this.#client.exited.then(() => this.#end('tmux has ended'), this.#end);
    this.#window = this.#command('set -s exit-unattached on')
      .then(() => this.#command('set -g window-size manual'))
      .then(() => this.resize(columns, rows));
    this.#window.catch(() => {}); // Whoever looks at the screen gets to know.
  }

  /** Types, each byte as a key. */
  async type(keys: string): Promise<void> {
    await this.#window;
    const bytes = [...Buffer.from(keys)].map(byte => byte.toString(16));
    await this.#command(`send-keys -H ${bytes.join(' ')}`);
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#command(`resize-window -x ${columns} -y ${rows}`);
  }

  /** What the screen shows, less blanks at the ends of lines and of the screen; letters beyond ASCII as their UTF-8 bytes. */
  async screen(): Promise<string> {
    return (await this.#command('capture-pane -p')).join('\n').trimEnd();
  }

  /** Waits until the screen shows it, and returns the screen. */
  async shows(pattern: RegExp): Promise<string> {
    const end = performance.now() + PATIENCE;
    for (;;) {
      const screen = await this.screen();
      if (pattern.test(screen)) return screen;
      if (performance.now() > end)
        throw new Error(`no ${pattern} within ${PATIENCE / 1000} s on this screen:\n${screen}`);
      await new Promise(resolve => setTimeout(resolve, LOOK_MS));
    }
  }

  /** Closes the window as a user does: whoever runs in it gets a SIGHUP, and the terminal is gone. Ends tmux too. */
  async close(): Promise<void> {
    await this.#command('kill-server').catch(() => {});
    await this.#client.exited.catch(() => {});
  }

  #command(line: string): Promise<string[]> {
    return new Promise((resolve, reject) => {
      if (this.#gone) return reject(this.#gone);
      this.#replies.push(reply => (reply instanceof Error ? reject(reply) : resolve(reply)));
      this.#client.stdin.write(`${line}\n`);
    });
  }

  /** tmux(1), CONTROL MODE: a reply stands between %begin and %end or %error, which repeat a time, a number and flags. */
  #heard(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) {
      const [, word, which] = /^%(begin|end|error) (\d+ \d+ 1)$/.exec(line) ?? [];
      if (!this.#reply) {
        if (word === 'begin') this.#reply = { end: which!, lines: [] };
      } else if (which === this.#reply.end && word !== 'begin') {
        const said = this.#reply.lines;
        this.#reply = undefined;
        this.#replies.shift()?.(word === 'end' ? said : new Error(`tmux: ${said.join(' ')}`));
      } else this.#reply.lines.push(line);
    }
  }

  readonly #end = (why: string | Error): void => {
    this.#gone = why instanceof Error ? why : new Error(why);
    for (const settle of this.#replies.splice(0)) settle(this.#gone);
  };
}

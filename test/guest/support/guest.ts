// A Linux guest under tslaunch as a test sees it: it comes up, answers questions at its console, and ends. Where it runs (this
// machine, the lab) is the lab's business.
import { root } from '../../../fixtures/guests/launchers.ts';
import type { Lab, LabProcess } from '../../../fixtures/lab/types.ts';

/** In milliseconds: machines are busy, the lab's processor is emulated. */
export const PATIENCE = 240_000;

export interface GuestEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** All of its console, and the launcher's own words. */
  text: string;
  errors: string;
}

export interface StartOptions {
  /** Where the launcher runs: a place for its temporary files, too. */
  directory: string;
  /** A terminal of that size instead of pipes. */
  pty?: { columns: number; rows: number };
  /** A command that starts the launcher, for example in another network namespace. */
  through?: readonly string[];
  /** How long the guest may be silent where it should speak, in milliseconds. */
  patience?: number;
}

export class Guest {
  /** Process id of the launcher, where the launcher runs. */
  readonly pid: Promise<number>;
  readonly #process: LabProcess;
  readonly #words: readonly string[];
  readonly #patience: number;
  #text = '';
  #errors = '';
  /** How much of the text has been looked at. */
  #read = 0;
  #end: GuestEnd | undefined;
  #failure: Error | undefined;
  #heard = () => {};
  readonly ended: Promise<GuestEnd>;

  private constructor(lab: Lab, words: readonly string[], options: StartOptions) {
    const { directory, pty, through = [] } = options;
    this.#words = words;
    this.#patience = options.patience ?? PATIENCE;
    const [command, ...argv] = [...through, process.execPath, `${root}bin/tslaunch.js`, ...words];
    this.#process = lab.spawn(command!, argv, { cwd: directory, env: { TMPDIR: directory }, ...(pty && { pty }) });
    this.pid = this.#process.pid;
    this.#process.stdin.on('error', () => {}); // It may end without reading all that was typed.
    this.#process.stdout.on('data', chunk => this.#hear(chunk));
    this.#process.stderr.on('data', chunk => {
      this.#errors += chunk.toString('latin1');
    });
    this.ended = this.#untilEnd();
    this.ended.catch(error => {
      this.#failure = error;
      this.#heard();
    });
  }

  /** Starts tslaunch with these words of its command line. */
  static start(lab: Lab, words: readonly string[], options: StartOptions): Guest {
    return new Guest(lab, words, options);
  }

  /** Waits until the guest's shell is there; once for each boot. */
  async ready(): Promise<void> {
    await this.#until(/guest: ready\n/);
  }

  /** Runs a line in the guest's shell, which may keep silent for so many seconds. Returns what it printed; a status other than 0 is an error here. */
  async ask(line: string, seconds = 0): Promise<string> {
    const { status, output } = await this.try(line, seconds);
    if (status !== 0) throw this.#complaint(`"${line}" ended with status ${status}:\n${output}\nBefore that:`);
    return output;
  }

  /** The same for lines that may fail. */
  async try(line: string, seconds = 0): Promise<{ status: number; output: string }> {
    this.type(`${line}\n`);
    const [all, status] = await this.#until(/guest: status (\d+)\n/, this.#patience + seconds * 1000);
    return { status: Number(status), output: all!.slice(0, all!.lastIndexOf('guest: status')).trimEnd() };
  }

  /** Waits for what the guest says by itself. Returns what it said up to the pattern's end, and the pattern's groups. */
  hear(pattern: RegExp): Promise<string[]> {
    return this.#until(pattern);
  }

  type(keys: string): void {
    this.#process.stdin.write(keys);
  }

  resize(columns: number, rows: number): void {
    this.#process.resize({ columns, rows });
  }

  /** Signals the launcher and waits for its end. */
  interrupt(signal: NodeJS.Signals): Promise<GuestEnd> {
    this.#process.kill(signal);
    return this.#inTime(this.ended, `the end after ${signal}`);
  }

  /** Types a last line (a power-off, say) and waits for the launcher's end. */
  async end(line: string): Promise<GuestEnd> {
    this.type(`${line}\n`);
    return this.#inTime(this.ended, `the end after "${line}"`);
  }

  /** For tests' ends, however they came: nothing may stay behind. */
  async destroy(): Promise<void> {
    if (this.#end || this.#failure) return;
    this.#process.kill('SIGKILL');
    await this.ended.catch(() => {});
  }

  #hear(chunk: Buffer): void {
    this.#text += chunk.toString('latin1').replaceAll('\r', '');
    this.#heard();
  }

  async #untilEnd(): Promise<GuestEnd> {
    const outputs = [this.#process.stdout, this.#process.stderr].map(
      stream => new Promise<void>(resolve => void stream.once('end', () => resolve())),
    );
    const exit = await this.#process.exited;
    await Promise.all(outputs);
    this.#end = { ...exit, text: this.#text, errors: this.#errors };
    this.#heard();
    return this.#end;
  }

  /** What came since the last call up to the pattern's end, and the pattern's groups. */
  async #until(pattern: RegExp, patience = this.#patience): Promise<string[]> {
    for (;;) {
      const rest = this.#text.slice(this.#read);
      const found = pattern.exec(rest);
      if (found) {
        const end = found.index + found[0].length;
        this.#read += end;
        return [rest.slice(0, end), ...found.slice(1)];
      }
      if (this.#failure) throw this.#failure;
      if (this.#end) throw this.#complaint(`ended with ${this.#end.signal ?? this.#end.code}, without ${pattern}:`);
      await this.#inTime(new Promise<void>(resolve => (this.#heard = resolve)), String(pattern), patience);
    }
  }

  async #inTime<T>(promise: Promise<T>, what: string, patience = this.#patience): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(this.#complaint(`${patience / 1000} s without ${what}:`)), patience);
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #complaint(why: string): Error {
    const last = this.#text.split('\n').slice(-40).join('\n');
    return new Error(`tslaunch ${this.#words.join(' ')}\n${why}\n${last}\n${this.#errors}`);
  }
}

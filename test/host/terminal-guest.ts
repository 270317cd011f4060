/**
 * Stands in for a guest on the terminal, in a process of its own: `node --import tsx terminal-guest.ts WAY-OUT`. Echoes what is
 * typed between brackets, tells its size at every change, and leaves as it is told: by the argument, or by a key.
 */
import { log } from '../../src/base/log.ts';
import { Terminal } from '../../src/cli/terminal.ts';

const way = process.argv[2] ?? 'wait';
const terminal = new Terminal({
  onInterrupt: () => void leave('interrupted', 0),
  ...(way === 'signals' ? { onSignal: (signal: string) => void leave(`asked by ${signal}`, 3) } : {}),
});
const say = (text: string) => terminal.write(Buffer.from(`${text}\r\n`));

async function leave(why: string, status: number): Promise<void> {
  await say(why);
  await terminal.close();
  process.exitCode = status;
}

const { columns, rows } = terminal.size();
await say(`ready ${process.pid} ${columns}x${rows}`);
terminal.onResize(() => void say(`now ${terminal.size().columns}x${terminal.size().rows}`));

const WAYS: Record<string, () => unknown> = {
  end: () => leave('the end', 0),
  exit: () => process.exit(7),
  throw: () => {
    throw new Error('a mistake of ours');
  },
  reject: () => Promise.reject(new Error('a mistake of ours')),
  warn: () => log.warn('a remark'),
};
WAYS[way]?.();

for (let bytes = await terminal.read(); bytes !== undefined; bytes = await terminal.read()) {
  const text = Buffer.from(bytes).toString('latin1');
  await say(`[${text.replaceAll(/[^!-~]/g, char => `<${char.charCodeAt(0)}>`)}]`);
  if (text === 'q') await leave('quit', 0);
  if (text === 'X') process.exit(9);
  if (text === 'T') throw new Error('typed a mistake');
}

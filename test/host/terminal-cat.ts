/** A guest that hands its input back, in a process of its own; on stderr what became of it. */
import { Terminal } from '../../src/cli/terminal.ts';

const terminal = new Terminal({ onInterrupt: () => process.stderr.write('interrupted\n') });
const slow = process.argv[2] === 'slow';
const { columns, rows } = terminal.size();
process.stderr.write(`size ${columns}x${rows}\n`);
let count = 0;
for (let bytes = await terminal.read(); bytes !== undefined; bytes = await terminal.read()) {
  count += bytes.length;
  if (slow) await new Promise(resolve => setTimeout(resolve, 5));
  await terminal.write(bytes);
}
process.stderr.write(`end after ${count}\n`);
if (process.argv[2] === 'flood') void terminal.write(Buffer.alloc(1 << 20));
await terminal.close();
process.stderr.write('closed\n');
// As a program that must end whoever still has to read does: what cannot be written would keep the event loop.
process.exit();

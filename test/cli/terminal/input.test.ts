import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { log } from '../../../src/base/log.ts';
import { Input } from '../../../src/cli/terminal/input.ts';

const turn = () => new Promise(resolve => setImmediate(resolve));
const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString();

describe('input', () => {
  it('waits for its reader, and a reader for it', async () => {
    const stream = new PassThrough();
    const input = new Input(stream, { tty: false });
    stream.write('one');
    await turn();
    expect(text(await input.read())).toBe('one');
    const later = input.read();
    stream.write('two');
    expect(text(await later)).toBe('two');
    stream.end('three');
    expect(text(await input.read())).toBe('three');
    expect(await input.read()).toBeUndefined();
    expect(await input.read()).toBeUndefined();
  });

  it('holds a pipe back that is faster than its reader', async () => {
    const stream = new PassThrough();
    const input = new Input(stream, { tty: false });
    let sent = 0;
    while (sent < 10_000_000 && stream.write(Buffer.alloc(16_384, sent))) {
      sent += 16_384;
      await turn();
    }
    expect(sent).toBeLessThan(200_000);
    let got = 0;
    stream.end();
    for (let bytes = await input.read(); bytes !== undefined; bytes = await input.read()) got += bytes.length;
    expect(got).toBe(sent + 16_384);
  });

  it('from a terminal is seen even if nobody reads it, and dropped when it is far too much', async () => {
    const lines: string[] = [];
    log.setSink(line => lines.push(line));
    const stream = new PassThrough();
    let seen = 0;
    const input = new Input(stream, {
      tty: true,
      seen: bytes => {
        seen += bytes.length;
      },
    });
    for (let i = 0; i < 40; i++) {
      stream.write(Buffer.alloc(65_536, i));
      await turn();
    }
    expect(seen).toBe(40 * 65_536);
    expect(lines).toHaveLength(1);
    expect((await input.read())?.[0]).toBe(0);
  });

  it('that fails has ended', async () => {
    const stream = new PassThrough();
    const input = new Input(stream, { tty: true });
    const read = input.read();
    stream.destroy(Object.assign(new Error('hung up'), { code: 'EIO' }));
    expect(await read).toBeUndefined();
  });

  it('ends when it is closed', async () => {
    const stream = new PassThrough();
    const input = new Input(stream, { tty: false });
    const read = input.read();
    input.close();
    stream.write('too late');
    await turn();
    expect(await read).toBeUndefined();
    expect(await input.read()).toBeUndefined();
  });
});

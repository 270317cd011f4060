import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { log } from '../../../src/base/log.ts';
import { Output } from '../../../src/cli/terminal/output.ts';

describe('output', () => {
  it('is written in order and resolves when it is out', async () => {
    const taken: string[] = [];
    const output = new Output(
      new Writable({
        write(chunk, _encoding, done) {
          taken.push(String(chunk));
          setTimeout(done, 2);
        },
      }),
    );
    void output.write(Buffer.from('a'));
    void output.write(Buffer.from('b'));
    await output.write(new Uint8Array(0));
    expect(taken).toEqual(['a', 'b']);
  });

  it('that is gone is said once and swallows the rest', async () => {
    const lines: string[] = [];
    log.setSink(line => lines.push(line));
    const stream = new PassThrough();
    const output = new Output(stream);
    stream.destroy(Object.assign(new Error('no reader'), { code: 'EPIPE' }));
    await output.write(Buffer.from('x'));
    await output.write(Buffer.from('y'));
    await output.flush(10);
    expect(lines).toHaveLength(1);
  });

  it('that is stuck does not hold up the end', async () => {
    const output = new Output(new Writable({ write: () => {} }));
    void output.write(Buffer.from('x'));
    await output.flush(5);
  });
});

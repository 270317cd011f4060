import { spawnSync } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { log } from '../../src/base/log.ts';

describe('log', () => {
  const lines: string[] = [];
  afterEach(() => {
    lines.length = 0;
    log.setVerbose(false);
    log.setRawTerminal(false);
  });

  it('warns always and narrates when asked, equal lines too', () => {
    log.setSink(line => lines.push(line));
    log.narrate('block0', 'quiet');
    log.warn('twice');
    log.warn('twice');
    log.setVerbose(true);
    log.narrate('block0', 'queue 0 is served');
    expect(lines).toEqual(['tslaunch: twice\n', 'tslaunch: twice\n', 'tslaunch: block0: queue 0 is served\n']);
  });

  it('returns the carriage on a raw terminal', () => {
    log.setSink(line => lines.push(line));
    log.setRawTerminal(true);
    log.warn('x');
    expect(lines).toEqual(['tslaunch: x\r\n']);
  });

  it('survives a standard error that is closed', () => {
    const module = new URL('../../src/base/log.ts', import.meta.url).href;
    const script = `const { log } = await import(${JSON.stringify(module)}); log.warn('x'); console.log('alive');`;
    const { stdout } = spawnSync(
      'sh',
      ['-c', 'exec "$@" 2>&-', 'sh', process.execPath, '--import', 'tsx', '--input-type=module', '-e', script],
      {
        encoding: 'utf8',
      },
    );
    expect(stdout).toBe('alive\n');
  });
});

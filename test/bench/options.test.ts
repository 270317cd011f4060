import { describe, expect, it } from 'vitest';
import { parseBlock } from '../../bench/block.ts';
import { parseExits } from '../../bench/exits.ts';
import { parseOptions } from '../../bench/options.ts';

describe("a benchmark's command line", () => {
  it('has defaults, and passes on what follows --', () => {
    const options = parseOptions(['exits', '--memory', '32', '--', 'n=5', '--x']);
    expect(options).toMatchObject({ name: 'exits', samples: 5, memory: 32, arguments: ['n=5', '--x'], disks: [] });
  });

  it.each([[[]], [['a', 'b']], [['start', '--samples', '0']], [['start', '--nonsense']]])('refuses %j', words => {
    expect(() => parseOptions(words)).toThrow(/^bench: .*npm run bench -- --help/);
  });
});

describe('what the guests print', () => {
  it('becomes samples', () => {
    expect(parseExits('ok TSC frequency\nexit port-read 1234 ns\nexit cpuid 99 ns\nverdict: pass\n')).toEqual({
      'port-read (ns)': 1234,
      'cpuid (ns)': 99,
    });
    const lines = [
      'block read random depth 8 bytes 4096: 5125 IOPS 20500 KiB/s 7 doorbells',
      'block write sequential depth 4 bytes 1048576: 300 IOPS 307200 KiB/s 7 doorbells',
    ];
    expect(parseBlock(lines.join('\n'), 'raw ')).toEqual({
      'raw read random 4 KiB depth 8 (IOPS)': 5125,
      'raw write sequential 1024 KiB depth 4 (MiB/s)': 300,
    });
  });

  it('is missed when it is not there', () => {
    expect(() => parseExits('verdict: fail\n')).toThrow('the guest named no exit');
    expect(() => parseBlock('')).toThrow('the guest measured nothing');
  });
});

import { describe, expect, it } from 'vitest';
import { parseBlock } from '../../bench/block.ts';
import { parseFio } from '../../bench/block-linux.ts';
import { parseExits } from '../../bench/exits.ts';
import { parseNet } from '../../bench/net.ts';
import { parseLoad } from '../../bench/net-linux.ts';
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

  it('becomes samples of a network', () => {
    const line = (text: string) => `mac 52:54\nnet ${text}\nverdict: pass\n`;
    expect(parseNet(line('tx 64 bytes: 1000 frames/s 62 KiB/s 5 frames 1 doorbells, batch 128'))).toEqual({
      'send 64 B (frames/s)': 1000,
    });
    const large = line('rx 65226 bytes: 2 frames/s 2048 KiB/s 5 frames 1 doorbells, batch 64');
    expect(parseNet(large, ['mrg=1'])).toEqual({ 'receive 65226 B in buffers of 1536 B (MiB/s)': 2 });
    expect(parseNet(line('rtt 64 bytes: 20500 ns, 4 frames came, 4 doorbells'))).toEqual({ 'echo of 64 B (us)': 20.5 });
    expect(parseLoad('before rtt: 9 us\r\nnet rtt: 8 us\r\nnet udp-send: 70 packets/s, 5 of 6 arrived\r\n')).toEqual({
      'UDP round trip (us)': 8,
      '64-byte frames from guest (1/s)': 70,
    });
    expect(() => parseLoad('net tcp-send: net-load: 5 of 9 bytes\n')).toThrow("the guest's tcp-send failed");
  });

  it('of fio is taken by job, requests for small ones and MiB for large ones', () => {
    const line = (op: string, order: string, kib: number, depth: number) => {
      const fields = new Array(60).fill('0');
      fields.splice(0, 3, '3', 'fio-3.33', `${op}-${order}-${kib}-${depth}`);
      fields.splice(op === 'read' ? 6 : 47, 2, '2048', '512');
      return `fio ${fields.join(';')}\r\n`;
    };
    const small = [1, 8, 32].flatMap(depth => ['read', 'write'].map(op => line(op, 'random', 4, depth)));
    const all = [...small, line('read', 'sequential', 1024, 4), line('write', 'sequential', 1024, 4)].join('');
    const sample = parseFio(all, 'raw ');
    expect(Object.keys(sample)).toHaveLength(8);
    expect(sample).toMatchObject({
      'fio: raw read random 4 KiB depth 8 (IOPS)': 512,
      'fio: raw write sequential 1024 KiB depth 4 (MiB/s)': 2,
    });
    expect(() => parseFio(small.join(''))).toThrow('did not do all its jobs');
  });

  it('is missed when it is not there', () => {
    expect(() => parseExits('verdict: fail\n')).toThrow('the guest named no exit');
    expect(() => parseBlock('')).toThrow('the guest measured nothing');
    expect(() => parseNet('')).toThrow('the guest measured nothing');
    expect(() => parseLoad('')).toThrow('the guest measured nothing');
  });
});

/** qemu-img as the judge: it makes images, checks them, and compares them with raw ones. */
import { execFileSync } from 'node:child_process';

export function qemuImg(...args: string[]): string {
  return execFileSync('qemu-img', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

export function qemuIo(image: string, ...commands: string[]): void {
  execFileSync('qemu-io', ['-f', 'qcow2', ...commands.flatMap(command => ['-c', command]), image], { stdio: 'pipe' });
}

export interface Verdict {
  readonly leaks: number;
  readonly corruptions: number;
  readonly errors: number;
}

/** What `qemu-img check` finds. */
export function qemuCheck(image: string): Verdict {
  let text: string;
  try {
    text = qemuImg('check', '-f', 'qcow2', '--output=json', image);
  } catch (error) {
    // 2 and 3 mean that it found something, which the text says.
    const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string };
    if (status !== 2 && status !== 3) throw new Error(`qemu-img check ended with ${status}: ${stderr}`);
    text = stdout;
  }
  const result = JSON.parse(text) as Record<string, number>;
  return {
    leaks: result.leaks ?? 0,
    corruptions: result.corruptions ?? 0,
    errors: result['check-errors'] ?? 0,
  };
}

export const SOUND: Verdict = { leaks: 0, corruptions: 0, errors: 0 };

/** Throws if the two disks differ. */
export function qemuCompare(image: string, raw: string): void {
  qemuImg('compare', '-f', 'qcow2', '-F', 'raw', image, raw);
}

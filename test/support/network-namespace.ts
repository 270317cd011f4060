/**
 * A network of the test's own: the calling thread moves to a fresh network namespace, so nothing that it or the programs it starts
 * do to interfaces is seen outside, and all of it is gone with the process. Needs root's rights.
 */
import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import koffi from 'koffi';

const CLONE_NEWNET = 0x4000_0000;

/** Why there is no network of one's own here, or undefined. */
export function whyNoNetwork(): string | undefined {
  if (process.getuid!() !== 0) return 'only root may make network namespaces';
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
  } catch {
    return '/dev/net/tun is missing';
  }
  return undefined;
}

/** To be called once in a test file. */
export function enterOwnNetwork(): void {
  const unshare = koffi.load('libc.so.6').func('int unshare(int flags)');
  if (unshare(CLONE_NEWNET) !== 0) throw new Error(`unshare failed with errno ${koffi.errno()}`);
  ip('link set lo up');
}

/** Runs `ip`; returns what it printed. */
export function ip(words: string): string {
  return execFileSync('ip', words.split(' '), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

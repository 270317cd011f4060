// The same benchmark, run where KVM has hardware behind it.
import { openLab } from '../../fixtures/lab/open.ts';
import { cacheRoot } from '../../fixtures/support/cache.ts';
import { makeProgress } from '../../fixtures/support/progress.ts';

/** Runs this program with the same words, and --here, in the lab; its output is ours. Returns its status. */
export async function inLab(argv: readonly string[]): Promise<number> {
  const progress = makeProgress();
  const lab = await openLab({ progress });
  progress.note(`lab: ${lab.why}`);
  try {
    const program = new URL('../cli.ts', import.meta.url).pathname;
    const tsx = new URL('../../node_modules/tsx/dist/cli.mjs', import.meta.url).pathname;
    const child = lab.spawn(process.execPath, [tsx, program, '--here', ...argv], {
      // What was built here need not be built there: its home is another one.
      env: { TSLAUNCH_CACHE: cacheRoot() },
    });
    child.stdin.end();
    child.stdout.pipe(process.stdout, { end: false });
    child.stderr.pipe(process.stderr, { end: false });
    const { code } = await child.exited;
    return code ?? 1;
  } finally {
    await lab.close();
  }
}

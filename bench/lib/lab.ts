// The same benchmark, run where KVM has hardware behind it.
import { openLab } from '../../fixtures/lab/open.ts';
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
      env: Object.fromEntries(Object.entries(process.env).filter(([name]) => name === 'TSLAUNCH_CACHE')) as Record<
        string,
        string
      >,
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

// The bare loop is compiled when it is needed, like the guests.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached } from '../../fixtures/support/cache.ts';
import { exec } from '../../fixtures/support/exec.ts';
import { silent } from '../../fixtures/support/progress.ts';

/** Path of the compiled program: kvm-loop GUEST.elf [words...]. Throws a FixtureError when gcc is missing. */
export async function buildBareLoop(): Promise<string> {
  const source = new URL('kvm-loop.c', import.meta.url).pathname;
  const directory = await cached(
    {
      name: 'bare-loop',
      inputs: [await readFile(source)],
      title: 'compile the bare KVM_RUN loop',
      build: async target => {
        await exec('gcc', ['-O2', '-Wall', '-Wextra', '-Werror', '-o', join(target, 'kvm-loop'), source]);
      },
    },
    silent,
  );
  return join(directory, 'kvm-loop');
}

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { root } from '../../fixtures/guests/launchers.ts';
import { openLab } from '../../fixtures/lab/open.ts';
import type { Lab } from '../../fixtures/lab/types.ts';
import { makeScratch } from '../../fixtures/support/cache.ts';

// Instructions that the host's CPU cannot be asked about in this process, because they are the kernel's or go somewhere: the KVM of the lab
// runs them on its processor, our emulator from the same state, and both must come to the same. See test/x86/privileged/.
const STATES = 12;

interface Summary {
  agreed: Record<string, string>;
  missing: string[];
  refused: string[];
  differing: string[];
}

let lab: Lab;
let scratch: string;
let bundle: string;
beforeAll(async () => {
  lab = await openLab();
  scratch = await makeScratch('test-');
  bundle = join(scratch, 'privileged.cjs');
  // Compiling takes long where the processor is emulated.
  await build({
    ...{ entryPoints: [join(root, 'test/x86/privileged/compare.ts')], outfile: bundle, bundle: true },
    ...{ platform: 'node', target: 'node20', format: 'cjs', external: ['@koromix/*', 'capstone-wasm'] },
    define: { 'import.meta.dirname': '__dirname', 'import.meta.url': '__fileurl' },
    banner: { js: "const __fileurl = require('node:url').pathToFileURL(__filename).href;" },
  });
});
afterAll(async () => {
  await lab.close();
  await rm(scratch, { recursive: true, force: true });
});

it('privileged instructions and branches do what they do on the processor', { timeout: 600_000 }, async () => {
  const seed = 0x9e37;
  const run = await lab.run(process.execPath, [bundle, String(STATES), String(seed)], {
    timeout: 500_000,
    // The bundle is not beside the packages that it leaves out.
    env: { NODE_PATH: join(root, 'node_modules') },
  });
  expect(run.code, run.stderr.toString()).toBe(0);
  const { agreed, missing, refused, differing } = JSON.parse(run.stdout.toString()) as Summary;
  expect(differing, `seed ${seed}`).toEqual([]);
  expect(refused).toEqual([]);
  // What the processor does not have is named; of all else something was compared.
  for (const name of missing) expect(['rdpid', 'invpcid', 'clac', 'stac', 'rdtscp']).toContain(name);
  const ends = Object.values(agreed).join();
  for (const end of ['done', 'done at level 3', 'vector 6', 'vector 11 error 68', 'vector 13 error 0', 'vector 128'])
    expect(ends).toContain(end);
  expect(Object.keys(agreed).length).toBeGreaterThan(90);
});

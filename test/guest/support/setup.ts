// The guest tests' global set-up: the built program, one lab for the whole run, and a line that says where guests run and why.

import { LAB_VARIABLE } from '../../../fixtures/lab/open.ts';
import { probeKvm } from '../../../fixtures/lab/probe.ts';
import startLab from '../../../fixtures/lab/vitest.ts';
import { buildProgram } from '../../support/program.ts';

export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  buildProgram();
  const { hardware, why } = probeKvm();
  const running = process.env[LAB_VARIABLE];
  const place = running ? `in the lab at ${running}` : hardware ? 'on this machine' : 'in a nested machine';
  process.stderr.write(`Linux guests run ${place}: ${running ? `${LAB_VARIABLE} names it` : why}\n`);
  return startLab();
}

// Who takes part: tslaunch's built program, and QEMU's machines where QEMU is installed.
import { existsSync } from 'node:fs';
import { hasQemu, root } from '../../fixtures/guests/launchers.ts';
import { FixtureError } from '../../fixtures/support/errors.ts';

/** tslaunch first, then the ways of running QEMU that are named. `only` (comma-separated) chooses among them. */
export function contenders<Name extends string>(others: readonly Name[], only?: string): ('tslaunch' | Name)[] {
  const all: ('tslaunch' | Name)[] = ['tslaunch', ...others];
  const chosen = only ? only.split(',') : all;
  const unknown = chosen.find(name => !all.includes(name as Name));
  if (unknown) throw new FixtureError(`--only: there is no contender ${unknown}; there are ${all.join(', ')}.`);
  const taking = all.filter(name => chosen.includes(name));
  if (taking.includes('tslaunch') && !existsSync(`${root}dist/main.js`))
    throw new FixtureError('tslaunch is not built: npm run build.');
  if (hasQemu) return taking;
  process.stderr.write('QEMU is not installed (apt-get install qemu-system-x86): nothing to compare with.\n');
  return taking.filter(name => name === 'tslaunch');
}

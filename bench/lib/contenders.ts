// Who takes part: tslaunch's built program and others, of them QEMU's machines where QEMU is installed.
import { existsSync } from 'node:fs';
import { hasQemu, root } from '../../fixtures/guests/launchers.ts';
import { FixtureError } from '../../fixtures/support/errors.ts';

/** tslaunch first, then the others in their order. `only` (comma-separated) chooses among them; names of QEMU's ways start with `qemu-`. */
export function contenders<Name extends string>(
  others: readonly Name[],
  only?: string,
  qemu = hasQemu,
): ('tslaunch' | Name)[] {
  const all: ('tslaunch' | Name)[] = ['tslaunch', ...others];
  const chosen = only ? only.split(',') : all;
  const unknown = chosen.find(name => !all.includes(name as Name));
  if (unknown) throw new FixtureError(`--only: there is no contender ${unknown}; there are ${all.join(', ')}.`);
  const taking = all.filter(name => chosen.includes(name));
  if (taking.some(name => name.startsWith('tslaunch')) && !existsSync(`${root}dist/main.js`))
    throw new FixtureError('tslaunch is not built: npm run build.');
  const without = taking.filter(name => !name.startsWith('qemu-'));
  if (qemu || without.length === taking.length) return taking;
  process.stderr.write('QEMU is not installed (apt-get install qemu-system-x86): it does not take part.\n');
  return without;
}

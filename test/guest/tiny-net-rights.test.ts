import { describe, expect, it } from 'vitest';
import { runGuest } from '../../fixtures/guests/run.ts';
import { GUEST, HOST, MAC, onWire, TAP } from '../../fixtures/net/wire.ts';
import { whyNoNetwork } from '../support/network-namespace.ts';
import { outcome, PASS } from './tiny-run.ts';

const NOBODY = 65534;
/** Another user, who may read the files of the checkout and open devices, but may change nothing of a network. */
const LESS = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
const FILES = [
  '--inh-caps=-all,+dac_override',
  '--ambient-caps=-all,+dac_override',
  '--bounding-set=-all,+dac_override',
];
const OWNED = `
ip link del ${TAP}
ip tuntap add dev ${TAP} mode tap user ${NOBODY}
ip address add ${HOST}/24 dev ${TAP}
ip link set ${TAP} up
`;

describe.skipIf(whyNoNetwork())('a tap of one’s own', () => {
  it('serves a user who has no other rights', async () => {
    const run = await runGuest('tslaunch', 'net', {
      nets: [{ tap: TAP, mac: MAC }],
      arguments: [`mac=${MAC}`, `host=${HOST}`, `guest=${GUEST}`],
      wrap: command => onWire([...LESS, ...FILES, ...command], { before: OWNED }),
    });
    expect(outcome(run)).toEqual(PASS);
  });
});

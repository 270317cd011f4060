import { beforeAll, describe, expect, it } from 'vitest';
import { contenders } from '../../../bench/lib/contenders.ts';
import { buildProgram } from '../../support/program.ts';

const OTHERS = ['tslaunch --no-decode', 'qemu-q35', 'bare-loop'] as const;

describe('who takes part in a benchmark', () => {
  beforeAll(() => buildProgram());

  it('is tslaunch and the others, in their order, or those that are chosen', () => {
    expect(contenders(OTHERS, undefined, true)).toEqual(['tslaunch', ...OTHERS]);
    expect(contenders(OTHERS, 'bare-loop,tslaunch', true)).toEqual(['tslaunch', 'bare-loop']);
  });

  it('is all but QEMU where that is not installed', () => {
    expect(contenders(OTHERS, undefined, false)).toEqual(['tslaunch', 'tslaunch --no-decode', 'bare-loop']);
  });

  it('cannot be somebody unknown', () => {
    expect(() => contenders(OTHERS, 'tslaunch,vmware', true)).toThrow(
      '--only: there is no contender vmware; there are tslaunch, tslaunch --no-decode, qemu-q35, bare-loop.',
    );
  });
});

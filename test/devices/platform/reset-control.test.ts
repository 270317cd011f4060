import { expect, it } from 'vitest';
import { ResetControl } from '../../../src/devices/platform/reset-control.ts';
import { RegisterFile } from '../../../src/state/register-file.ts';
import { PowerLog } from './support.ts';

it('resets on bit 2, after the kind of reset was chosen', () => {
  const power = new PowerLog();
  const control = new ResetControl(RegisterFile.create(256), power);
  control.reset();
  control.write(0, 1, control.read() | 0x02);
  expect([power.events, control.read()]).toEqual([[], 0x02]);
  control.write(0, 1, 0x06);
  control.write(0, 1, 0x0e);
  expect([power.events, control.read(), control.registerName()]).toEqual([['reset', 'reset'], 0x0a, 'RST_CNT']);
});

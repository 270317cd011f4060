import { defineDifferential } from './differential-suite.ts';

defineDifferential([
  'Moves between general registers and memory',
  'Arithmetic and logic',
  'Multiplication and division',
  'Shifts and rotates',
  'Bits and bytes',
  'Stack and near control flow',
  'Strings',
  'Atomic operations',
  'System',
  'Saving and restoring state',
]);

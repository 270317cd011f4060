import { defineDifferential } from './differential-suite.ts';

defineDifferential([
  ...['Vector moves', 'Packed integers', 'Packed shifts', 'Shuffles', 'AVX lanes', 'Vector strings'],
  'Carry-less multiplication and AES',
]);

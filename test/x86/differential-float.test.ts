import { defineDifferential } from './differential-suite.ts';

defineDifferential(['Floating point', 'Conversions']);

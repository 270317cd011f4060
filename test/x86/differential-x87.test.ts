import { defineDifferential } from './differential-suite.ts';

defineDifferential(['x87 control', 'x87 moves', 'x87 arithmetic']);

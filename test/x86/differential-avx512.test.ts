import { defineDifferential } from './differential-suite.ts';

defineDifferential(['Opmask registers', 'AVX-512', 'AVX-512 compares']);

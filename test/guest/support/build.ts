// The global set-up of guests on the local KVM: the built program.
export { buildProgram as default } from '../../support/program.ts';

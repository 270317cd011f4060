/**
 * Giving rights away, once everything is open: another root directory, another user. Every thread of the process changes with
 * it (glibc broadcasts setuid and its kin), so the vCPU threads lose their rights too.
 */
import koffi from 'koffi';
import { HostError, UsageError } from '../base/errors.ts';
import { check, libc, sys } from './libc.ts';

export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Looks a user up as login does (passwd file, LDAP, ...). Throws UsageError if there is none of that name. */
export function lookUpUser(name: string): User {
  const passwd = koffi.struct({
    pw_name: 'string',
    pw_passwd: 'string',
    pw_uid: 'uint32',
    pw_gid: 'uint32',
    pw_gecos: 'string',
    pw_dir: 'string',
    pw_shell: 'string',
  });
  const getpwnam = libc.func('getpwnam', koffi.pointer(passwd), ['string']);
  const found: unknown = getpwnam(name);
  if (found === null) {
    throw new UsageError(`There is no user named ${name}.`, 'Give --username a name that `getent passwd` lists.');
  }
  const { pw_uid: uid, pw_gid: gid } = koffi.decode(found, passwd) as { pw_uid: number; pw_gid: number };
  return { name, uid, gid };
}

/** Makes `directory` the root of this process. Needs root's rights. */
export function enterRoot(directory: string): void {
  check('chroot', sys.chroot(directory), 'Only root may use --chroot: start tslaunch with sudo.');
  process.chdir('/');
}

/** Becomes `user` with that user's groups, for good. Needs root's rights unless it is the user already. */
export function becomeUser(user: User): void {
  if (process.getuid!() === user.uid && process.getgid!() === user.gid) return;
  try {
    // Node has it (initgroups(3)); its type declarations do not.
    (process as unknown as { initgroups(user: string, group: number): void }).initgroups(user.name, user.gid);
    process.setgid!(user.gid);
    process.setuid!(user.uid);
  } catch (cause) {
    throw new HostError(
      `Becoming user ${user.name} is not permitted.`,
      'Only root may use --username: start tslaunch with sudo.',
      {
        cause,
      },
    );
  }
}

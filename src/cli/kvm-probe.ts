/**
 * A first look at /dev/kvm, for `--version` and `doctor`: unlike a run, which stops with a sentence, this reports whatever it
 * finds, including a koffi that does not load.
 */
import { HostError } from '../base/errors.ts';

export type KvmProbe =
  | { readonly kind: 'usable'; readonly apiVersion: number; readonly maxCpus: number }
  /** /dev/kvm opens, or not, but cannot be used; `errno` is that of opening it, undefined for an unsuitable KVM. */
  | { readonly kind: 'unusable'; readonly errno?: string; readonly message: string; readonly remedy?: string }
  /** The C library cannot be called at all. */
  | { readonly kind: 'uncallable'; readonly message: string };

export async function probeKvm(path = '/dev/kvm'): Promise<KvmProbe> {
  const modules = await Promise.all([import('../kvm/system.ts'), import('../kvm/constants.ts')]).catch(
    (error: Error) => error,
  );
  if (modules instanceof Error) return { kind: 'uncallable', message: modules.message.split('\n', 1)[0] ?? '' };
  const [{ KvmSystem }, { KVM_API_VERSION }] = modules;
  try {
    const system = KvmSystem.open(path);
    // Opening has compared the version; any other is refused.
    const probe = { kind: 'usable', apiVersion: KVM_API_VERSION, maxCpus: system.maxCpus } as const;
    system.close();
    return probe;
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    const { message, errno, remedy } = error;
    return { kind: 'unusable', message, ...(errno ? { errno } : {}), ...(remedy ? { remedy } : {}) };
  }
}

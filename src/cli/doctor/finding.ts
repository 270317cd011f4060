/** What the doctor says about one thing: found or missing, and what to type where it is missing. */
export interface Finding {
  /** What was looked at, two or three words. */
  readonly name: string;
  /** `missing` for what a guest cannot run without, `limited` for what only some uses need. */
  readonly status: 'ok' | 'limited' | 'missing';
  /** What was found, a few words. */
  readonly found: string;
  /** A command to type or a step to take; absent when all is well. */
  readonly remedy?: string;
}

export const ok = (name: string, found: string): Finding => ({ name, status: 'ok', found });
export const limited = (name: string, found: string, remedy: string): Finding => ({
  name,
  status: 'limited',
  found,
  remedy,
});
export const missing = (name: string, found: string, remedy: string): Finding => ({
  name,
  status: 'missing',
  found,
  remedy,
});

/** What a file seems to be that cannot be booted, in the words of a refusal. */
export interface Identity {
  /** With its article: "a gzip file". */
  readonly what: string;
  /** One imperative sentence. `FILE` stands for the file's name. */
  readonly remedy: string;
}

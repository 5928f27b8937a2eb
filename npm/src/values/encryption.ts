/**
 * The option `encryption`.
 *
 * @module
 */

/** Encrypts the user data of sessions: tasks, contexts, results, metadata and the data of events. */
export interface EncryptionOptions {
  /** The keys: the first one encrypts, all decrypt. */
  readonly keys: readonly EncryptionKey[];
  /** Whether data that is not encrypted is refused; `false` by default. */
  readonly only?: boolean | undefined;
}

/** A key, and where it is: 32 random bytes as 64 hexadecimal digits or as base64. */
export interface EncryptionKey {
  /** Its id, by which stored data names it. It is no secret. */
  readonly id: string;
  /** The path of a file that holds it. */
  readonly file?: string | undefined;
  /** The name of an environment variable that holds it. */
  readonly env?: string | undefined;
  /** A program and its arguments, which prints it. */
  readonly command?: readonly string[] | undefined;
}

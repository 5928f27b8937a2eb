/**
 * Operations that handles have no methods for. They are called by their names.
 *
 * @module
 */

import type { ActiveSession, VmView } from "tenure";
import { opened } from "./store.js";

export type { ActiveSession, VmView } from "tenure";

/** The operations, with their parameters and replies. */
interface ByName {
  activeSessions: {
    readonly params: { readonly limit: number };
    readonly reply: Readonly<Record<string, ActiveSession>>;
  };
  orphans: { readonly params: { readonly limit: number }; readonly reply: readonly VmView[] };
  importFile: {
    readonly params: { readonly path: string; readonly text: string; readonly modifiedAt: string };
    readonly reply: {
      readonly written: number;
      readonly unchanged: number;
      readonly problems: readonly { readonly message: string }[];
    };
  };
}

/** A handle, with the method that calls an operation by its name. */
interface WithOperations {
  perform<Name extends keyof ByName>(
    name: Name,
    params: ByName[Name]["params"],
  ): Promise<ByName[Name]["reply"]>;
}

function perform<Name extends keyof ByName>(
  name: Name,
  params: ByName[Name]["params"],
): Promise<ByName[Name]["reply"]> {
  return (opened().sessions as unknown as WithOperations).perform(name, params);
}

/** The registered processes. */
export async function activeSessions(): Promise<readonly ActiveSession[]> {
  return Object.values(await perform("activeSessions", { limit: 1000 }));
}

/** The virtual machines whose owners are gone. */
export const orphans = (): Promise<readonly VmView[]> => perform("orphans", { limit: 1000 });

/** Imports a file of another program. */
export const importFile = (
  params: ByName["importFile"]["params"],
): Promise<ByName["importFile"]["reply"]> => perform("importFile", params);

/**
 * Opens the store of the page: that of the server which has served the page, or a database in the browser.
 *
 * @module
 */

import { init, type Mirror, open, openMirror, type Sessions } from "tenure";
import complete from "tenure/wasm/tenure_complete_bg.wasm?url";

/** An open store, and the mirror of its sessions. */
export interface Connection {
  readonly sessions: Sessions;
  readonly mirror: Mirror;
  /** Whether the store is a database of this browser. */
  readonly isLocal: boolean;
  /** Whether every write is refused. */
  readonly isReadOnly: boolean;
  /** The URL of the store, as a person reads it. */
  readonly name: string;
}

/** What is called while the store is loaded and followed. */
export interface ConnectionEvents {
  /** Called when the store is open, and before its sessions are loaded, which waits for it. */
  onOpen(sessions: Sessions): Promise<void>;
  /** Called with the number of loaded sessions. */
  onProgress(loaded: number): void;
  /** Called when the mirror shows changes. */
  onChange(): void;
  /** Called with the ids of sessions that cannot be read. */
  onProblems(problems: readonly { readonly id: string; readonly problem: string }[]): void;
  /** Called once if the page no longer follows the store. */
  onError(error: unknown): void;
}

/** Whether the page is about sessions in this browser, and not about those of a server. */
export const isLocal = storeOfPage() !== "server";

/** Opens the store that the page names. */
export async function connect({ onOpen, ...events }: ConnectionEvents): Promise<Connection> {
  const url = storeOfPage();
  // A database of the browser is read here, and only the complete module makes the heads of a mirror.
  if (isLocal) await init({ module: new URL(complete, location.href) });
  // A server says which models it has.
  const models = isLocal ? modelsOfPage() : [];
  const options = models.length === 0 ? {} : { models };
  const sessions = await open(isLocal ? url : location.origin, options);
  performance.mark("tenure:open");
  try {
    await onOpen(sessions);
    const mirror = await openMirror(sessions, events);
    performance.mark("tenure:loaded");
    const { isReadOnly } = sessions;
    return { sessions, mirror, isLocal, isReadOnly, name: isLocal ? url : location.host };
  } catch (error) {
    void sessions.close();
    throw error;
  }
}

function storeOfPage(): string {
  return contentOf("tenure-store") ?? "server";
}

/** The models that the page names. A browser itself knows none. */
function modelsOfPage(): readonly string[] {
  const names = contentOf("tenure-models")?.split(",") ?? [];
  return names.map((name) => name.trim()).filter((name) => name !== "");
}

function contentOf(name: string): string | undefined {
  return document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content;
}

/**
 * Writes sessions into files: into a folder where the browser has access to folders, and otherwise into one file
 * that is downloaded.
 *
 * @module
 */

import { counted } from "../format.js";
import { say, sayError } from "../parts/toast.js";
import { inView } from "../parts/work.js";
import { opened } from "../store.js";

/** The part of the File System Access API that is used. Not all browsers have it. */
interface FolderAccess {
  showDirectoryPicker?(options: { readonly mode: "readwrite" }): Promise<FileSystemDirectoryHandle>;
}

/** The number of sessions that are read at a time. */
const AT_ONCE = 8;

/** Exports sessions with their histories. */
export async function exportSessions(ids: readonly string[]): Promise<void> {
  try {
    const [only] = ids;
    if (ids.length === 1 && only !== undefined) {
      download(`${only}.json`, await partsOf(only));
      return;
    }
    const access = globalThis as FolderAccess;
    if (access.showDirectoryPicker !== undefined) {
      const folder = await access.showDirectoryPicker({ mode: "readwrite" });
      const written = await eachOf(ids, (id) => write(folder, id));
      if (written) say(`Exported ${counted(ids.length, "session")} to ${folder.name}`);
      return;
    }
    // One session a line.
    const sessions = await eachOf(ids, partsOf);
    if (sessions) {
      download(
        "sessions.jsonl",
        sessions.flatMap((parts) => [...parts, "\n"]),
      );
    }
  } catch (error) {
    if (!isCancelled(error)) sayError(error);
  }
}

/** Calls `run` for each session, and returns its results in the order of the ids. */
function eachOf<T>(
  ids: readonly string[],
  run: (id: string) => Promise<T>,
): Promise<T[] | undefined> {
  return inView("Exporting", ids.length, async ({ check, step }) => {
    const results: T[] = [];
    for (let at = 0; at < ids.length; at += AT_ONCE) {
      check();
      const some = ids.slice(at, at + AT_ONCE).map(async (id) => {
        const result = await run(id);
        step();
        return result;
      });
      results.push(...(await Promise.all(some)));
    }
    return results;
  });
}

async function write(folder: FileSystemDirectoryHandle, id: string): Promise<void> {
  const file = await folder.getFileHandle(`${id}.json`, { create: true });
  const writer = await file.createWritable();
  for await (const part of opened().sessions.exportParts(id)) await writer.write(part);
  await writer.close();
}

async function partsOf(id: string): Promise<string[]> {
  const parts: string[] = [];
  for await (const part of opened().sessions.exportParts(id)) parts.push(part);
  return parts;
}

function download(name: string, parts: readonly string[]): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([...parts], { type: "application/json" }));
  link.download = name;
  link.click();
  // The browser reads it after the click.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Whether a person has closed the dialog of the browser. */
export function isCancelled(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

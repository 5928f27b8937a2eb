/**
 * Reads sessions from files: exported ones, one a line in `.jsonl` files, and those that other programs have left
 * in a folder.
 *
 * @module
 */

import { isTenureError, type Sessions } from "tenure";
import { counted } from "../format.js";
import { say, sayError } from "../parts/toast.js";
import { inView, type Progressing } from "../parts/work.js";
import { opened } from "../store.js";
import { isCancelled } from "./export.js";

/** The result of an import. */
export interface Imported {
  readonly sessions: number;
  readonly problems: readonly { readonly path: string; readonly message: string }[];
}

/** A file, with its path in the folder that was chosen. */
interface Source {
  readonly path: string;
  readonly file: File;
}

interface FolderAccess {
  showDirectoryPicker?(): Promise<AsyncFolder>;
}
/** A folder, whose entries TypeScript does not know yet. */
type AsyncFolder = FileSystemDirectoryHandle & {
  values(): AsyncIterable<FileSystemDirectoryHandle | FileSystemFileHandle>;
};

/** Whether the browser has access to folders. */
export const hasFolders = "showDirectoryPicker" in globalThis;

/** Asks for a folder, and imports what is in it. */
export async function importFolder(): Promise<Imported | undefined> {
  try {
    const folder = await (globalThis as FolderAccess).showDirectoryPicker?.();
    if (folder === undefined) return undefined;
    const sources: Source[] = [];
    for await (const source of filesIn(folder, "")) sources.push(source);
    return await importAll(sources);
  } catch (error) {
    if (!isCancelled(error)) sayError(error);
    return undefined;
  }
}

async function* filesIn(folder: AsyncFolder, before: string): AsyncGenerator<Source> {
  for await (const entry of folder.values()) {
    const path = `${before}${entry.name}`;
    if (entry.kind === "directory") yield* filesIn(entry as AsyncFolder, `${path}/`);
    else if (/\.(jsonl?|lock)$/.test(path)) yield { path, file: await entry.getFile() };
  }
}

/** Imports files that were chosen or dropped. */
export function importFiles(files: Iterable<File>): Promise<Imported | undefined> {
  return importAll(
    [...files].map((file) => ({ path: file.webkitRelativePath || file.name, file })),
  );
}

/** Imports files. If that is cancelled, what was imported before stays. */
async function importAll(sources: readonly Source[]): Promise<Imported | undefined> {
  const { sessions } = opened();
  let imported = 0;
  const problems: { path: string; message: string }[] = [];
  const importEach = async (progressing: Progressing): Promise<void> => {
    for (const { path, file } of sources) {
      progressing.check();
      try {
        for await (const number of importOne(sessions, path, file, progressing)) imported += number;
      } catch (error) {
        if (isCancelled(error)) throw error;
        problems.push({ path, message: error instanceof Error ? error.message : String(error) });
      }
      progressing.step();
    }
  };
  // Files that cannot be read are problems; only a person ends it earlier.
  const isComplete = await inView("Importing", sources.length, (progressing) =>
    importEach(progressing).then(
      () => true,
      () => false,
    ),
  );
  if (isComplete === undefined) return undefined;
  const unread =
    problems.length > 0 ? `; ${counted(problems.length, "file")} could not be read` : "";
  const cancelled = isComplete ? "" : "; the rest was cancelled";
  say(`Imported ${counted(imported, "session")}${unread}${cancelled}`);
  return { sessions: imported, problems };
}

/** Imports a file. Yields the numbers of sessions. */
async function* importOne(
  sessions: Sessions,
  path: string,
  file: File,
  { check, step, expect }: Progressing,
): AsyncGenerator<number> {
  const text = await file.text();
  if (path.endsWith(".jsonl")) {
    const lines = text.split("\n").filter((line) => line.trim() !== "");
    expect(lines.length);
    for (const line of lines) {
      check();
      await sessions.import(line);
      step();
      yield 1;
    }
    return;
  }
  try {
    await sessions.import(text);
    yield 1;
  } catch (error) {
    if (!isTenureError(error, "INVALID_ARGUMENT")) throw error;
    yield await importForeign(sessions, path, text, file.lastModified, error);
  }
}

/** Imports a file of another program. `refusal` is thrown if it is none. */
async function importForeign(
  sessions: Sessions,
  path: string,
  text: string,
  lastModified: number,
  refusal: unknown,
): Promise<number> {
  const { written, unchanged, problems } = await sessions.importFile({
    path,
    text,
    modifiedAt: new Date(lastModified).toISOString(),
  });
  if (written + unchanged === 0) {
    const [problem] = problems;
    throw problem === undefined ? refusal : new Error(problem.message);
  }
  return written;
}

/**
 * Sessions from files and into files, and the room that the browser has for them.
 *
 * @module
 */

import { useState } from "preact/hooks";
import { bytes, count } from "../format.js";
import { useLoaded } from "../parts/load.js";
import { Line } from "../parts/user-text.js";
import { isWorking } from "../parts/work.js";
import { linkTo } from "../route.js";
import { isWritable, opened, sessionsRevision } from "../store.js";
import { exportSessions } from "./export.js";
import { hasFolders, type Imported, importFiles, importFolder } from "./import.js";

/** The files. */
export function FilesView() {
  const { mirror, isLocal, name } = opened();
  const total = mirror.stats().total;
  sessionsRevision.value;
  return (
    <main class="view view-files">
      <header class="view-head">
        <h1>Files</h1>
      </header>
      {isWritable.value && <Import />}
      <section class="panel" aria-label="Export">
        <h2>Export</h2>
        <p>
          {hasFolders
            ? "Each session becomes a file in a folder."
            : "All sessions become one file, with a session a line."}{" "}
          Those in the trash are left out. To export some sessions, select them in{" "}
          <a href={linkTo(["sessions"])}>the list</a>. <code>tenure import</code> reads such files,
          too.
        </p>
        <button
          type="button"
          disabled={total === 0 || isWorking.value}
          onClick={() => void exportSessions(allIds(mirror))}
        >
          Export all {count(total)}
        </button>
      </section>
      {isLocal && <Storage name={name} />}
    </main>
  );
}

/** Imports files that are chosen or dropped. */
function Import() {
  const [imported, setImported] = useState<Imported | undefined>(undefined);
  const [isDropping, setDropping] = useState(false);
  const isRunning = isWorking.value;
  const run = async (work: () => Promise<Imported | undefined>): Promise<void> => {
    setImported(await work());
  };
  const choose = ({ currentTarget }: { readonly currentTarget: HTMLInputElement }): void => {
    const { files } = currentTarget;
    if (files !== null && files.length > 0) void run(() => importFiles(files));
    currentTarget.value = "";
  };
  return (
    <section
      class={isDropping ? "panel drop drop-over" : "panel drop"}
      aria-label="Import"
      onDragOver={(event) => {
        event.preventDefault();
        setDropping(true);
      }}
      onDragLeave={() => setDropping(false)}
      onDrop={(event) => {
        event.preventDefault();
        setDropping(false);
        const files = event.dataTransfer?.files;
        if (files !== undefined && files.length > 0) void run(() => importFiles(files));
      }}
    >
      <h2>Import</h2>
      <p>
        Exported sessions (<code>.json</code>), one session a line (<code>.jsonl</code>), and the
        files that other programs have left. A session of the same id is replaced.
      </p>
      <p class="buttons">
        <label class="button main">
          Choose files
          <input
            type="file"
            class="unseen"
            multiple
            accept=".json,.jsonl,application/json"
            disabled={isRunning}
            onChange={choose}
          />
        </label>
        {hasFolders ? (
          <button type="button" disabled={isRunning} onClick={() => void run(importFolder)}>
            Choose a folder
          </button>
        ) : (
          <label class="button">
            Choose a folder
            <input
              type="file"
              class="unseen"
              ref={(field) => field?.setAttribute("webkitdirectory", "")}
              disabled={isRunning}
              onChange={choose}
            />
          </label>
        )}
        <span class="faint">or drop files here</span>
      </p>
      {imported !== undefined && imported.problems.length > 0 && (
        <ul class="problems">
          {imported.problems.slice(0, 50).map(({ path, message }) => (
            <li key={path}>
              <code>
                <Line text={path} limit={120} />
              </code>{" "}
              <Line text={message} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function allIds(mirror: ReturnType<typeof opened>["mirror"]): readonly string[] {
  const ids: string[] = [];
  for (const { id } of mirror.list({ limit: 1000 })) ids.push(id);
  return ids;
}

function Storage({ name }: { readonly name: string }) {
  const { value, reload } = useLoaded(async () => {
    const [{ usage = 0, quota = 0 }, isPersistent] = await Promise.all([
      navigator.storage.estimate(),
      navigator.storage.persisted(),
    ]);
    return { usage, quota, isPersistent };
  }, [sessionsRevision.value]);
  return (
    <section class="panel" aria-label="Storage">
      <h2>Storage</h2>
      <p>
        The sessions are in the database <code>{name}</code> of this browser.{" "}
        {value !== undefined && `This site uses ${bytes(value.usage)} of ${bytes(value.quota)}.`}
      </p>
      {value?.isPersistent === false && (
        <>
          <p>The browser may remove them when the disk is full.</p>
          <button type="button" onClick={() => void navigator.storage.persist().then(reload)}>
            Ask the browser not to
          </button>
        </>
      )}
    </section>
  );
}

/**
 * What an empty store shows: how the first session is started.
 *
 * @module
 */

import { useState } from "preact/hooks";
import { copyText } from "../parts/copy.js";
import { isWritable, opened } from "../store.js";
import { StartDialog } from "./dialog.js";

/** The empty store. */
export function FirstSession() {
  const { isLocal, name } = opened();
  const [isStarting, setStarting] = useState(false);
  const code = isLocal
    ? `import { open } from "tenure";

const sessions = await open("${name}");
await sessions.start({ task: "Fix the build", mode: "developer" });`
    : 'tenure start "Fix the build" --mode developer';
  return (
    <div class="empty">
      <p>
        <strong>There are no sessions yet</strong>
      </p>
      <p>
        {isLocal
          ? "Pages of this address see the same database. This line starts a session from one of them:"
          : "This command starts one in a shell:"}
      </p>
      <pre class="code">
        <code>{code}</code>
      </pre>
      <p class="empty-buttons">
        <button type="button" onClick={() => void copyText(code)}>
          Copy
        </button>
        {isWritable.value && (
          <button type="button" class="main" onClick={() => setStarting(true)}>
            Start a session here
          </button>
        )}
      </p>
      {isLocal && (
        <p>
          <a href="#/files">Import sessions from files</a>
        </p>
      )}
      {isStarting && <StartDialog onClose={() => setStarting(false)} />}
    </div>
  );
}

/**
 * One session.
 *
 * @module
 */

import { useEffect, useRef, useState } from "preact/hooks";
import { copyText } from "../parts/copy.js";
import { Empty } from "../parts/empty.js";
import { useKeys } from "../parts/keyboard.js";
import { isNarrow } from "../parts/media.js";
import { Problem } from "../parts/problem.js";
import { Progress } from "../parts/progress.js";
import { Marks, Status } from "../parts/status.js";
import { Line } from "../parts/user-text.js";
import { linkTo } from "../route.js";
import { isWritable, opened, sessionsRevision, unreadable } from "../store.js";
import { inLine, visible } from "../text.js";
import { Actions, ForkDialog } from "./actions.js";
import { Details } from "./details.js";
import { Timeline } from "./timeline.js";

/** The view of a session. */
export function SessionView({ id }: { readonly id: string }) {
  const { mirror } = opened();
  // The head is read again when sessions have changed.
  sessionsRevision.value;
  const [shown, setShown] = useState<"timeline" | "details">("timeline");
  const [contextAt, setContextAt] = useState<number | undefined>(undefined);
  const [forking, setForking] = useState<{ readonly at: number | undefined } | undefined>(
    undefined,
  );
  useKeys({
    c: () => void copyText(id),
    Backspace: () => history.back(),
  });
  const titled = useRef("Session");
  useEffect(() => {
    document.title = `${titled.current} · Tenure`;
  });
  let head: ReturnType<typeof mirror.get> = null;
  try {
    head = mirror.get(id);
  } catch (thrown) {
    // The text in the address is no id.
    return (
      <main class="view">
        <Problem error={thrown} />
      </main>
    );
  }
  if (head === null) {
    const problem = unreadable.value.get(id);
    return (
      <main class="view">
        <h1 class="unseen">Session</h1>
        <Empty title={problem === undefined ? "There is no such session" : "It cannot be read"}>
          <p>
            {problem === undefined
              ? `No session has the id ${inLine(id, 130)}. It may have been deleted.`
              : inLine(problem, 500)}
          </p>
          <p>
            <a href={linkTo(["sessions"])}>Show all sessions</a>
          </p>
        </Empty>
      </main>
    );
  }
  titled.current = inLine(head.task, 60) || visible(id);
  const isTabbed = isNarrow.value;
  return (
    <main class="view view-session">
      <header class="session-head">
        <h1>
          <Line text={head.task || "(no task)"} />
        </h1>
        <p class="session-line">
          <Status of={head.status} />
          <Marks of={head} />
          <Progress used={head.iterations} of={head.maxIterations} />
          <button
            type="button"
            class="quiet id"
            title="Copy the id (c)"
            onClick={() => void copyText(id)}
          >
            {visible(id)}
          </button>
        </p>
        <Actions head={head} onFork={() => setForking({ at: undefined })} />
      </header>
      {isTabbed && (
        <div class="tabs" role="tablist">
          {(["timeline", "details"] as const).map((name) => (
            <button
              key={name}
              type="button"
              role="tab"
              aria-selected={shown === name}
              onClick={() => setShown(name)}
            >
              {name === "timeline" ? "Timeline" : "Details"}
            </button>
          ))}
        </div>
      )}
      <div class="session-body">
        {(!isTabbed || shown === "timeline") && (
          <Timeline
            key={id}
            head={head}
            onContext={(sequence) => {
              setContextAt(sequence);
              setShown("details");
            }}
            onFork={isWritable.value ? (sequence) => setForking({ at: sequence }) : undefined}
          />
        )}
        {(!isTabbed || shown === "details") && (
          <Details head={head} contextAt={contextAt} onNewest={() => setContextAt(undefined)} />
        )}
      </div>
      {forking !== undefined && (
        <ForkDialog head={head} atSequence={forking.at} onClose={() => setForking(undefined)} />
      )}
    </main>
  );
}

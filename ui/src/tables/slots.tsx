/**
 * The slots of tasks, and who is in them.
 *
 * @module
 */

import { useState } from "preact/hooks";
import type { SessionHead } from "tenure";
import { nameOf } from "../parts/model.js";
import { usePages } from "../parts/paged.js";
import { Marks, Status } from "../parts/status.js";
import type { Column } from "../parts/table.js";
import { Time } from "../parts/time.js";
import { Line } from "../parts/user-text.js";
import { linkTo, linkToSession, replaceQuery, route } from "../route.js";
import { type StartDefaults, StartDialog } from "../start/dialog.js";
import { isWritable, opened, sessionsRevision } from "../store.js";
import { TablePage } from "./page.js";

/** The phases of slots: a session in a slot has one of them. */
const PHASES = ["plan", "run", "verify", "debug"] as const;

/** The columns of a session in a slot. */
const COLUMNS: readonly Column<SessionHead>[] = [
  {
    name: "Task",
    show: ({ slot }) => (
      <a href={linkTo(["slots"], { taskIds: slot?.taskId })}>
        <Line text={slot?.taskId ?? ""} limit={80} />
      </a>
    ),
  },
  { name: "Phase", show: ({ slot }) => slot?.phase },
  {
    name: "Model",
    show: ({ slot }) => <Line text={slot ? nameOf(slot.model) : ""} limit={60} />,
  },
  { name: "Status", show: ({ status }) => <Status of={status} /> },
  {
    name: "Session",
    isWide: true,
    show: (head) => (
      <>
        <a href={linkToSession(head.id)}>
          <Line text={head.task} />
        </a>{" "}
        <Marks of={head} />
      </>
    ),
  },
  { name: "Started", isNumber: true, show: ({ createdAt }) => <Time at={createdAt} /> },
];

/** The slots. */
export function SlotsView() {
  const { mirror } = opened();
  const taskId = route.value.query.get("taskIds") ?? "";
  const [starting, setStarting] = useState<StartDefaults | undefined>(undefined);
  const paged = usePages<SessionHead>(
    async (cursor) =>
      mirror.list({
        slotPhase: PHASES,
        limit: 200,
        ...(taskId === "" ? {} : { taskIds: [taskId] }),
        ...(cursor === undefined ? {} : { cursor }),
      }),
    [taskId, sessionsRevision.value],
  );
  const again: Column<SessionHead> = {
    name: "Action",
    show: ({ slot, task, mode }) => (
      <button
        type="button"
        class="quiet"
        onClick={() =>
          slot &&
          setStarting({
            taskId: slot.taskId,
            phase: slot.phase,
            model: nameOf(slot.model),
            task,
            mode,
          })
        }
      >
        Start again
      </button>
    ),
  };
  const columns = isWritable.value ? [...COLUMNS, again] : COLUMNS;
  return (
    <>
      <TablePage
        title="Slots"
        paged={paged}
        keyOf={({ id }) => id}
        tools={
          <div class="tools">
            <input
              type="search"
              aria-label="Task id"
              placeholder="Task id"
              value={taskId}
              onChange={({ currentTarget: { value } }) =>
                replaceQuery(new URLSearchParams(value === "" ? {} : { taskIds: value }))
              }
            />
            {isWritable.value && (
              <button type="button" onClick={() => setStarting({ taskId })}>
                Start in a slot
              </button>
            )}
          </div>
        }
        none={{
          title: taskId === "" ? "No session is in a slot" : "No session is in a slot of this task",
          next: (
            <>
              <p>
                A task has a slot for each of its phases, and a slot holds one session. This line
                starts one:
              </p>
              <pre class="code">
                <code>{`await sessions.startInSlot({
  taskId: "T-42", phase: "plan", model: "opus-4",
  task: "Plan the parser", mode: "planner",
});`}</code>
              </pre>
            </>
          ),
        }}
        columns={columns}
      />
      {starting !== undefined && (
        <StartDialog defaults={starting} onClose={() => setStarting(undefined)} />
      )}
    </>
  );
}

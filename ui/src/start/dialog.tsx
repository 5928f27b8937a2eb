/**
 * Starts a session. In a slot that is occupied, the dialog goes on with what the core says: it opens the session
 * that is there, asks for a confirmation, or offers to try again.
 *
 * @module
 */

import { useState } from "preact/hooks";
import type { SlotPhase, SlotRequest, SlotStart } from "tenure";
import { exportSessions } from "../files/export.js";
import { Dialog } from "../parts/dialog.js";
import { type Field, FormDialog, type Values } from "../parts/form.js";
import { nameOf } from "../parts/model.js";
import { Problem } from "../parts/problem.js";
import { Progress } from "../parts/progress.js";
import { Marks, Status } from "../parts/status.js";
import { Time } from "../parts/time.js";
import { say } from "../parts/toast.js";
import { Line } from "../parts/user-text.js";
import { goTo, linkToSession } from "../route.js";
import { opened } from "../store.js";

/** What the dialog begins with. */
export interface StartDefaults {
  readonly taskId?: string;
  readonly phase?: string;
  readonly model?: string;
  readonly task?: string;
  readonly mode?: string;
}

/** Options of a start that follow from the answers to the dialog. */
type Again = Pick<
  NonNullable<Parameters<ReturnType<typeof opened>["sessions"]["startInSlot"]>[1]>,
  "confirm" | "rerun" | "exportOld"
>;

/** The dialog. */
export function StartDialog({
  onClose,
  defaults = {},
}: {
  readonly onClose: () => void;
  readonly defaults?: StartDefaults;
}) {
  const [request, setRequest] = useState<SlotRequest | undefined>(undefined);
  const [answer, setAnswer] = useState<SlotStart | undefined>(undefined);
  const [isChanged, setChanged] = useState(false);
  const { sessions } = opened();

  const opens = (id: string, text: string): void => {
    say(text);
    onClose();
    goTo(linkToSession(id));
  };
  const startInSlot = async (wanted: SlotRequest, again: Again = {}): Promise<void> => {
    let found = await sessions.startInSlot(wanted, again);
    // Nothing was replaced if the session is no longer what the person saw. The core asks about it as it is now.
    const wasChanged = again.confirm !== undefined && found.outcome === "busy";
    if (wasChanged) found = await sessions.startInSlot(wanted);
    setChanged(wasChanged);
    if (found.outcome === "created" || found.outcome === "replaced") {
      return opens(found.session.id, found.message);
    }
    setRequest(wanted);
    setAnswer(found);
  };
  if (answer !== undefined && request !== undefined) {
    return (
      <SlotDialog
        answer={answer}
        isChanged={isChanged}
        onClose={onClose}
        onAgain={(again) => startInSlot(request, again)}
      />
    );
  }
  return (
    <FormDialog
      title="Start a session"
      submit="Start"
      fields={fieldsOf(defaults)}
      forUsers
      onClose={onClose}
      onSubmit={async (values) => {
        const { taskId, phase, model } = values;
        const wanted = startOf(values);
        if (taskId === undefined) {
          const metadata = model === undefined ? {} : { metadata: { model } };
          opens((await sessions.start({ ...wanted, ...metadata })).id, "The session is started");
          return;
        }
        if (model === undefined) throw new Error("A session in a slot needs a model");
        await startInSlot({
          ...wanted,
          taskId,
          // The core says which phases there are.
          phase: phase as SlotPhase,
          model,
        });
      }}
    />
  );
}

function fieldsOf(defaults: StartDefaults): readonly Field[] {
  const { byMode, byModel } = opened().mirror.stats();
  return [
    { name: "task", label: "Task", kind: "long", isRequired: true, initial: defaults.task ?? "" },
    {
      name: "mode",
      label: "Mode",
      isRequired: true,
      initial: defaults.mode ?? "developer",
      suggestions: Object.keys(byMode),
    },
    {
      name: "model",
      label: "Model",
      initial: defaults.model ?? "",
      suggestions: Object.keys(byModel),
    },
    { name: "maxIterations", label: "Iterations allowed", kind: "number", initial: "100" },
    {
      name: "taskId",
      label: "Task id of a slot",
      initial: defaults.taskId ?? "",
      hint: "A slot holds one session for each phase of a task. Without an id there is no slot.",
    },
    {
      name: "phase",
      label: "Phase of the slot",
      initial: defaults.phase ?? "run",
      choices: ["plan", "run", "verify", "debug"],
    },
  ];
}

function startOf({ task = "", mode = "", maxIterations }: Values) {
  return {
    task: task.trim(),
    mode,
    ...(maxIterations ? { maxIterations: Number(maxIterations) } : {}),
  };
}

/** What is in the slot, and how to go on. */
function SlotDialog({
  answer,
  isChanged,
  onClose,
  onAgain,
}: {
  readonly answer: SlotStart;
  /** Whether the session in the slot has changed since it was asked about. */
  readonly isChanged: boolean;
  readonly onClose: () => void;
  readonly onAgain: (again: Again) => Promise<void>;
}) {
  const [error, setError] = useState<unknown>(undefined);
  const [isRunning, setRunning] = useState(false);
  const run = (again: Again) => async (): Promise<void> => {
    setRunning(true);
    setError(undefined);
    await onAgain(again).catch(setError);
    setRunning(false);
  };
  const { session } = answer;
  return (
    <Dialog title={TITLES[answer.outcome]} onClose={onClose}>
      {isChanged && <p>The session in the slot has changed since you were asked.</p>}
      <p>{answer.message}</p>
      {answer.outcome === "needs_confirmation" && (
        <>
          <p class="warning">{answer.warning}</p>
          <p>The session that is replaced moves to the trash, from which it can be restored.</p>
        </>
      )}
      {session !== undefined && (
        <p class="occupant">
          <Status of={session.status} /> <Line text={session.task} />{" "}
          {session.slot !== undefined && (
            <span class="faint">
              <Line text={nameOf(session.slot.model)} limit={60} />
            </span>
          )}{" "}
          <Progress used={session.iterations} of={session.maxIterations} />{" "}
          <Time at={session.createdAt} /> <Marks of={session} />
        </p>
      )}
      {error !== undefined && <Problem error={error} forUsers />}
      <footer class="dialog-foot">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        {session !== undefined && (
          <a class="button" href={linkToSession(session.id)} onClick={onClose}>
            Open the session
          </a>
        )}
        {answer.outcome === "needs_confirmation" && (
          <>
            <button type="button" onClick={() => void exportSessions([answer.session.id])}>
              Export the session
            </button>
            <button
              type="button"
              class="bad"
              disabled={isRunning}
              onClick={run({ confirm: { id: answer.session.id, version: answer.session.version } })}
            >
              Replace
            </button>
          </>
        )}
        {answer.outcome === "existing" && answer.finished && (
          <button type="button" class="main" disabled={isRunning} onClick={run({ rerun: true })}>
            Run again
          </button>
        )}
        {answer.outcome === "busy" && (
          <button type="button" class="main" disabled={isRunning} onClick={run({})}>
            Try again
          </button>
        )}
      </footer>
    </Dialog>
  );
}

const TITLES: Readonly<Record<SlotStart["outcome"], string>> = {
  created: "Started",
  replaced: "Replaced",
  existing: "The slot is occupied",
  needs_confirmation: "Replace the session?",
  busy: "The slot is busy",
  rejected: "The slot is occupied",
};

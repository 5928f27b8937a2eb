/**
 * The actions on a session: those that the core accepts in the state that it is in.
 *
 * @module
 */

import { useId, useMemo, useState } from "preact/hooks";
import type { LeaseView, SessionHead } from "tenure";
import { exportSessions } from "../files/export.js";
import { type Field, FormDialog, type Values } from "../parts/form.js";
import { Time } from "../parts/time.js";
import { say, sayError } from "../parts/toast.js";
import { Line } from "../parts/user-text.js";
import { goTo, linkToSession } from "../route.js";
import { trashAll } from "../sessions/bulk.js";
import { isWritable, opened } from "../store.js";
import { useHolder } from "./holder.js";
import { type ActionName, legalActions } from "./trial.js";

interface Action {
  readonly label: string;
  readonly done: string;
  readonly fields: (head: SessionHead) => readonly Field[];
  readonly run: (id: string, values: Values) => Promise<unknown>;
  readonly isMain?: boolean;
  readonly isBad?: boolean;
}

const reason: Field = { name: "reason", label: "Reason", kind: "long" };
const person: Field = { name: "by", label: "Your name" };

const ACTIONS: Readonly<Record<Exclude<ActionName, "fork" | "trash" | "restore">, Action>> = {
  approve: {
    label: "Approve",
    done: "Approved",
    fields: () => [person, reason],
    run: (id, values) => opened().sessions.agents.approve(id, decisionOf(values)),
    isMain: true,
  },
  deny: {
    label: "Deny",
    done: "Denied",
    fields: () => [person, reason],
    run: (id, values) => opened().sessions.agents.deny(id, decisionOf(values)),
    isBad: true,
  },
  resume: {
    label: "Resume",
    done: "Resumed",
    fields: ({ iterations, maxIterations }) => [
      {
        name: "addIterations",
        label: "More iterations",
        kind: "number",
        initial: iterations >= maxIterations ? "20" : "",
        hint: `${iterations} of ${maxIterations} are used.`,
      },
    ],
    run: (id, { addIterations }) =>
      opened().sessions.resume(id, {
        ifActive: "keep",
        ...(addIterations ? { addIterations: Number(addIterations) } : {}),
      }),
    isMain: true,
  },
  pause: {
    label: "Pause",
    done: "Paused",
    fields: () => [reason],
    run: (id, { reason }) => opened().sessions.pause(id, reason),
  },
  complete: {
    label: "Complete",
    done: "Completed",
    fields: () => [{ name: "result", label: "Result", kind: "long" }],
    run: (id, { result }) => opened().sessions.complete(id, result),
  },
  fail: {
    label: "Fail",
    done: "Marked as failed",
    fields: () => [{ name: "error", label: "Error", kind: "long", isRequired: true }],
    run: (id, { error }) => opened().sessions.fail(id, error ?? ""),
    isBad: true,
  },
  abandon: {
    label: "Abandon",
    done: "Abandoned",
    fields: () => [reason],
    run: (id, { reason }) => opened().sessions.abandon(id, reason),
    isBad: true,
  },
};

function decisionOf({ by, reason }: Values): { readonly by?: string; readonly reason?: string } {
  return { ...(by ? { by } : {}), ...(reason ? { reason } : {}) };
}

/** The buttons of a session. */
export function Actions({
  head,
  onFork,
}: {
  readonly head: SessionHead;
  readonly onFork: () => void;
}) {
  const lease = useHolder(head.id);
  const holder = lease?.holder;
  const [legal, allowed] = useMemo(() => {
    if (!isWritable.value) return [[], []];
    const legal = legalActions(head);
    return [legal, holder === undefined ? legal : legalActions(head, holder)];
  }, [head.id, head.version, holder, isWritable.value]);
  const [asked, setAsked] = useState<keyof typeof ACTIONS | undefined>(undefined);
  const action = asked && ACTIONS[asked];
  const reasonId = useId();
  /** What a button has that the holder of the session keeps others from. */
  const refusal = (name: ActionName) =>
    allowed.includes(name)
      ? {}
      : { disabled: true, title: `${holder} holds the session`, "aria-describedby": reasonId };
  return (
    <>
      <fieldset class="actions">
        <legend class="unseen">Actions</legend>
        {legal.filter(isAction).map((name) => {
          const { label, isMain } = ACTIONS[name];
          return (
            <button
              key={name}
              type="button"
              class={isMain ? "main" : ""}
              onClick={() => setAsked(name)}
              {...refusal(name)}
            >
              {label}
            </button>
          );
        })}
        {legal.includes("fork") && (
          <button type="button" onClick={onFork} {...refusal("fork")}>
            Fork
          </button>
        )}
        <button type="button" onClick={() => void exportSessions([head.id])}>
          Export
        </button>
        {head.deletedAt === undefined && legal.includes("trash") && (
          <button type="button" onClick={() => void trashAll([head.id])} {...refusal("trash")}>
            Move to the trash
          </button>
        )}
        {head.deletedAt !== undefined && legal.includes("restore") && (
          <button
            type="button"
            class="main"
            onClick={() => void restore(head.id)}
            {...refusal("restore")}
          >
            Restore
          </button>
        )}
        {asked !== undefined && action !== undefined && (
          <FormDialog
            title={`${action.label} this session`}
            fields={action.fields(head)}
            submit={action.label}
            isBad={action.isBad}
            onClose={() => setAsked(undefined)}
            onSubmit={async (values) => {
              await action.run(head.id, values);
              setAsked(undefined);
              say(action.done);
            }}
          />
        )}
      </fieldset>
      {lease !== undefined && (
        <p id={reasonId}>
          <span class="tag tag-ask">held</span> by <Holder of={lease} />
          {allowed.length < legal.length && (
            <span class="faint">. The holder alone may do what is disabled here.</span>
          )}
        </p>
      )}
    </>
  );
}

/** The holder of a lease, with its process, and when it got the lease. */
function Holder({ of }: { readonly of: LeaseView }) {
  const process = [of.process?.hostname, of.process?.pid].filter(Boolean).join(" · ");
  return (
    <>
      <strong>
        <Line text={of.holder} limit={60} />
      </strong>
      {process !== "" && process !== of.holder && (
        <>
          {" "}
          (<Line text={process} limit={60} />)
        </>
      )}
      , acquired <Time at={of.acquiredAt} inText />
    </>
  );
}

function isAction(name: ActionName): name is keyof typeof ACTIONS {
  return name in ACTIONS;
}

async function restore(id: string): Promise<void> {
  try {
    await opened().sessions.restore(id);
    say("Restored");
  } catch (error) {
    sayError(error);
  }
}

/** Asks how to fork a session. */
export function ForkDialog({
  head,
  atSequence,
  onClose,
}: {
  readonly head: SessionHead;
  readonly atSequence: number | undefined;
  readonly onClose: () => void;
}) {
  return (
    <FormDialog
      title={atSequence === undefined ? "Fork this session" : `Fork after event #${atSequence}`}
      submit="Fork"
      fields={[
        { name: "task", label: "Task", kind: "long", hint: "Without one, the task is the same." },
        { name: "maxIterations", label: "Iterations allowed", kind: "number" },
      ]}
      onClose={onClose}
      onSubmit={async ({ task, maxIterations }) => {
        const { id } = await opened().sessions.fork(head.id, {
          ...(atSequence === undefined ? {} : { atSequence }),
          ...(task ? { task } : {}),
          ...(maxIterations ? { maxIterations: Number(maxIterations) } : {}),
        });
        onClose();
        goTo(linkToSession(id));
      }}
    />
  );
}

/**
 * What a session is besides its events: facts, result, error, context, metadata, and the raw JSON.
 *
 * @module
 */

import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { JsonObject, SessionHead } from "tenure";
import { now } from "../clock.js";
import { cost, count, duration } from "../format.js";
import { copyText } from "../parts/copy.js";
import { JsonTree } from "../parts/json-tree.js";
import { useLoaded } from "../parts/load.js";
import { Problem } from "../parts/problem.js";
import { Time } from "../parts/time.js";
import { Block, Line } from "../parts/user-text.js";
import { linkTo, linkToSession } from "../route.js";
import { opened } from "../store.js";
import { Value } from "./event.js";
import { contextAfter } from "./trial.js";

/** The details of a session. */
export function Details({
  head,
  contextAt,
  onNewest,
}: {
  readonly head: SessionHead;
  /** The event after which to show the context; `undefined` for the newest. */
  readonly contextAt: number | undefined;
  readonly onNewest: () => void;
}) {
  const { result, resultData, error, metadata, lastError, summary, message } = head;
  return (
    <aside class="details" aria-label="Details">
      <Facts head={head} />
      <UnfinishedCalls head={head} />
      {message !== undefined && <Part title="Model">{message}</Part>}
      {result !== undefined && (
        <Part title="Result">
          <Block text={result} of="result" />
        </Part>
      )}
      {resultData !== undefined && (
        <Part title="Result as JSON">
          <Value value={resultData} />
        </Part>
      )}
      {error !== undefined && (
        <Part title="Error">
          <Block text={error} of="error" />
        </Part>
      )}
      {lastError !== undefined && lastError !== null && (
        <Part title="Last error of the agent">
          <Block text={lastError.message} of="error" />
          <p class="faint">
            <Time at={lastError.timestamp} inText />, {count(head.errorCount ?? 0)} in all
          </p>
        </Part>
      )}
      {summary !== undefined && (
        <Part title="Summary">
          <Block text={summary} of="summary" />
        </Part>
      )}
      <Part title={contextAt === undefined ? "Context" : `Context after event #${contextAt}`}>
        {contextAt === undefined ? (
          <JsonTree value={head.context} isOpen />
        ) : (
          <>
            <EarlierContext id={head.id} sequence={contextAt} />
            <button type="button" class="quiet" onClick={onNewest}>
              Show the newest context
            </button>
          </>
        )}
      </Part>
      {metadata !== undefined && (
        <Part title="Metadata">
          <JsonTree value={metadata} isOpen />
        </Part>
      )}
      <Raw head={head} />
    </aside>
  );
}

function Facts({ head }: { readonly head: SessionHead }) {
  const { metadata, slot } = head;
  const ran = useDuration(head);
  return (
    <dl class="facts">
      <Fact name="Started">
        <Time at={head.createdAt} inText />
      </Fact>
      <Fact name="Changed">
        <Time at={head.updatedAt} inText />
      </Fact>
      {head.finalizedAt !== undefined && (
        <Fact name="Ended">
          <Time at={head.finalizedAt} inText />
        </Fact>
      )}
      {ran !== undefined && <Fact name="Duration">{duration(ran)}</Fact>}
      <Fact name="Mode">
        <FilterLink of="mode" value={head.mode} />
      </Fact>
      {head.userId !== undefined && (
        <Fact name="User">
          <FilterLink of="userId" value={head.userId} />
        </Fact>
      )}
      {head.channelId !== undefined && (
        <Fact name="Channel">
          <FilterLink of="channelId" value={head.channelId} />
        </Fact>
      )}
      {head.workspace !== undefined && (
        <Fact name="Workspace">
          <Line text={head.workspace} />
        </Fact>
      )}
      {head.phase !== undefined && <Fact name="Phase">{head.phase}</Fact>}
      {slot !== undefined && (
        <Fact name="Slot">
          <a href={linkTo(["slots"], { taskIds: slot.taskId })}>
            <Line text={slot.taskId} /> · {slot.phase}
          </a>
        </Fact>
      )}
      {metadata?.tokens !== undefined && (
        <Fact name="Tokens">
          {count(metadata.tokens.total)}{" "}
          <span class="faint">
            ({count(metadata.tokens.prompt)} in, {count(metadata.tokens.completion)} out)
          </span>
        </Fact>
      )}
      {typeof metadata?.cost === "number" && <Fact name="Cost">{cost(metadata.cost)}</Fact>}
      {head.parentId !== undefined && (
        <Fact name="Forked from">
          <a href={linkToSession(head.parentId)}>
            <Line text={head.parentId} />
          </a>
        </Fact>
      )}
      <Forks id={head.id} />
      <Fact name="Version">
        {count(head.version)} · <a href={linkTo(["audit"], { subject: head.id })}>audit log</a>
      </Fact>
    </dl>
  );
}

/** How often the forks of a session are counted, in milliseconds. */
const COUNTED_MS = 10_000;

/** The sessions that were forked from this one. */
function Forks({ id }: { readonly id: string }) {
  const { mirror } = opened();
  const step = Math.floor(now.value / COUNTED_MS);
  const total = useMemo(() => mirror.stats({ parentId: id }).total, [mirror, id, step]);
  if (total === 0) return null;
  return (
    <Fact name="Forks">
      <a href={linkTo(["sessions"], { parentId: id })}>{count(total)}</a>
    </Fact>
  );
}

/** The tool calls that run now, or that a crash has cut off. */
function UnfinishedCalls({ head }: { readonly head: SessionHead }) {
  const { sessions } = opened();
  const { value } = useLoaded(
    async () => (await sessions.context(head.id, { recent: 1 }))?.unfinishedToolCalls ?? [],
    [head.id, head.version],
  );
  if (value === undefined || value.length === 0) return null;
  return (
    <Part title="Unfinished tool calls">
      <ul>
        {value.map(({ callId, tool, args, startedAt }) => (
          <li key={callId}>
            <strong>
              <Line text={tool} limit={60} />
            </strong>{" "}
            <span class="faint">
              <Time at={startedAt} />
            </span>
            <JsonTree value={args ?? null} />
          </li>
        ))}
      </ul>
    </Part>
  );
}

/** How long a session has run, as the core says, counted on by the clock of the page while it runs. */
function useDuration(head: SessionHead): number | undefined {
  const { sessions } = opened();
  const { value } = useLoaded(async () => {
    const ms = await sessions.duration(head.id);
    return ms === null ? undefined : { ms, at: Date.now() };
  }, [head.id, head.status, head.version]);
  if (value === undefined) return undefined;
  const isRunning = head.status === "active" || head.status === "paused";
  return isRunning ? value.ms + Math.max(0, now.value - value.at) : value.ms;
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function FilterLink({ of, value }: { readonly of: string; readonly value: string }) {
  return (
    <a href={linkTo(["sessions"], { [of]: value })}>
      <Line text={value} limit={60} />
    </a>
  );
}

function Part({
  title,
  children,
}: {
  readonly title: string;
  readonly children: ComponentChildren;
}) {
  return (
    <section class="part">
      <h2>{title}</h2>
      {children}
    </section>
  );
}

function EarlierContext({ id, sequence }: { readonly id: string; readonly sequence: number }) {
  const [found, setFound] = useState<JsonObject | undefined>(undefined);
  const [error, setError] = useState<unknown>(undefined);
  useEffect(() => {
    setFound(undefined);
    setError(undefined);
    let isCurrent = true;
    opened()
      .sessions.export(id)
      .then((text) => contextAfter(text, sequence))
      .then(
        (context) => isCurrent && setFound(context),
        (thrown) => isCurrent && setError(thrown),
      );
    return () => {
      isCurrent = false;
    };
  }, [id, sequence]);
  if (error !== undefined) return <Problem error={error} />;
  return found === undefined ? <p class="faint">Loading</p> : <JsonTree value={found} isOpen />;
}

function Raw({ head }: { readonly head: SessionHead }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="part" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>Raw JSON</summary>
      {isOpen && (
        <>
          <Block text={JSON.stringify(head, null, 2)} of="JSON" />
          <button type="button" onClick={() => void copyText(JSON.stringify(head))}>
            Copy
          </button>
        </>
      )}
    </details>
  );
}

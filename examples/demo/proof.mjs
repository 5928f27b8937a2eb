// Looks for anything that the crash may have cost: compares the records that were acknowledged to the
// agent, those that were there right after it was killed, and those that were there in the end.

import { steps } from "../survey.mjs";

/**
 * @typedef {import("tenure").Session} Session
 * @typedef {import("tenure").SessionEvent} SessionEvent
 * @typedef {import("tenure").WebhookPayload} WebhookPayload
 * @typedef {import("./agent-process.mjs").Acknowledged} Acknowledged
 */

/**
 * A statement, and whether it holds.
 * @typedef {{ holds: boolean, text: string }} Statement
 */

/**
 * What the demo has seen: all records that were acknowledged to the killed process, the session as it
 * was after the kill and in the end, each with its whole history, and the webhooks about it.
 * @typedef {{ acknowledged: Acknowledged[], killed: Session, ended: Session, payloads: WebhookPayload[] }} Seen
 */

/**
 * The statements that hold if nothing was lost and nothing was done twice.
 * @param {Seen} seen
 * @returns {Statement[]}
 */
export function statements({ acknowledged, killed, ended, payloads }) {
  const kept = acknowledged.filter(({ sequence, type }) => isAt(killed, sequence, type));
  const prefix = ended.history.slice(0, killed.history.length);
  const plan = Object.keys(steps);
  const posts = payloads.map(({ event }) => event);
  const lifecycle = ["start", "resume", "pause", "resume", "complete"];
  const { interrupted, recorded } = interruption(killed);
  return [
    {
      holds: acknowledged.length > 0 && kept.length === acknowledged.length,
      text: `${kept.length} of ${acknowledged.length} records that were acknowledged were there after SIGKILL`,
    },
    {
      holds: killed.history.length > 0 && same(prefix, killed.history),
      text: `those ${killed.history.length} events are still the first ones, byte for byte`,
    },
    {
      holds: ended.history.every(({ sequence }, i) => sequence === i + 1),
      text: `${ended.history.length} events are numbered without a gap`,
    },
    {
      holds: same(namesOf(ended, "iteration"), plan) && ended.iterations === plan.length,
      text: `${plan.length} steps were counted once each, and none is missing`,
    },
    {
      holds: same(commandsOf(ended), plannedCommands()),
      text: interrupted
        ? `each tool call is there once, ${recorded} of "${interrupted}" from before the crash`
        : "each tool call is there once",
    },
    {
      holds: same(Object.keys(state(ended).findings ?? {}), plan) && learned(ended) === plan.length,
      text: "the context holds what every step has learned",
    },
    {
      holds: ended.status === "completed",
      text: `the session is ${ended.status}`,
    },
    {
      holds: same(posts, lifecycle),
      text: `webhooks came in order: ${posts.join(", ")}`,
    },
  ];
}

/**
 * The step in which the process was killed, and the number of its recorded tool calls. No step if
 * it was killed between two.
 * @param {Session} session
 */
export function interruption({ history, context }) {
  const begun = history.findLastIndex(({ type }) => type === "iteration");
  const name = String(history[begun]?.data.step ?? "");
  const findings = /** @type {Record<string, unknown>} */ (context.findings ?? {});
  if (begun < 0 || name in findings) return { interrupted: undefined, recorded: 0 };
  const recorded = history.slice(begun).filter(({ type }) => type === "tool_call").length;
  return { interrupted: name, recorded };
}

/** @param {Session} session @param {number} sequence @param {string} type */
function isAt({ history }, sequence, type) {
  return history.some((event) => event.sequence === sequence && event.type === type);
}

/** @param {Session} session @param {string} type */
function namesOf({ history }, type) {
  return history.filter((event) => event.type === type).map(({ data }) => data.step);
}

/** @param {Session} session */
function commandsOf({ history }) {
  const calls = history.filter(({ type }) => type === "tool_call");
  return calls.map(
    ({ data }) => /** @type {{ command: string } | undefined} */ (data.args)?.command,
  );
}

function plannedCommands() {
  const calls = Object.values(steps).flatMap((step) => step.calls);
  return calls.map(({ tool, args }) => [tool, ...args].join(" "));
}

/** @param {Session} session */
function learned({ history }) {
  return history.filter(({ type }) => type === "learning").length;
}

/** @param {Session} session */
function state({ context }) {
  return /** @type {{ findings?: Record<string, string> }} */ (context);
}

/** @param {unknown} one @param {unknown} other */
function same(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

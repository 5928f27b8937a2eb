// The report of the demo: timeline, statistics, webhooks.

import {
  bold,
  cyan,
  dim,
  fit,
  green,
  plain,
  print,
  printJson,
  printParts,
  red,
  seconds,
  section,
  yellow,
} from "./screen.mjs";

/**
 * @typedef {import("tenure").Session} Session
 * @typedef {import("tenure").SessionEvent} SessionEvent
 * @typedef {import("tenure").Sessions} Sessions
 * @typedef {import("tenure").WebhookPayload} WebhookPayload
 */

/** @type {Record<string, (text: string) => string>} */
const paints = {
  start: cyan,
  iteration: bold,
  learning: green,
  pause: yellow,
  resume: cyan,
  complete: green,
};

/**
 * The complete history, and the events after which no process ran.
 * @param {Session} session
 * @param {{ killed: number, paused: number }} gaps
 */
export function showTimeline({ id, createdAt, history }, { killed, paused }) {
  section("Timeline", id);
  for (const event of history) {
    const at = seconds(Date.parse(event.timestamp) - Date.parse(createdAt));
    const paint = paints[event.type] ?? plain;
    const text = event.type === "tool_call" ? dim : plain;
    printParts(
      [at.padStart(8), dim],
      [`${event.sequence}`.padStart(4)],
      [`  ${event.type.padEnd(11)}`, paint],
      [describe(event), text],
    );
    if (event.sequence === killed) print(`${" ".repeat(14)}······ SIGKILL`, red);
    if (event.sequence === paused) print(`${" ".repeat(14)}······ nothing runs`, yellow);
  }
}

/** @param {SessionEvent} event */
function describe({ type, data }) {
  switch (type) {
    case "start":
      return String(data.task);
    case "iteration":
      return `step "${data.step}"`;
    case "tool_call": {
      const { command } = /** @type {{ command: string }} */ (data.args);
      const { value, error } = /** @type {import("../survey.mjs").Result} */ (data.result);
      return `${fit(command, 30)} → ${error ?? JSON.stringify(value)}`;
    }
    case "learning":
      return String(data.insight);
    case "pause":
      return String(data.reason);
    case "resume":
      return data.recovered ? "after the crash" : `after ${seconds(Number(data.pausedDuration))}`;
    case "complete":
      return String(data.result);
    default:
      return JSON.stringify(data);
  }
}

/**
 * Statistics over all sessions, and over those of each user.
 * @param {Sessions} sessions
 * @param {string[]} users
 */
export async function showStatistics(sessions, users) {
  const stats = await sessions.stats();
  const statuses = Object.entries(stats.byStatus).filter(([, count]) => count > 0);
  const averages = [];
  for (const userId of users) {
    const { averageIterations } = await sessions.stats({ userId });
    averages.push([userId, averageIterations]);
  }
  section("Statistics");
  row("sessions", stats.total, list(statuses));
  row("modes", Object.keys(stats.byMode).length, list(Object.entries(stats.byMode)));
  row("success rate", `${stats.successRate} %`, "completed, of all");
  row("iterations", stats.averageIterations, `on average; ${list(averages)}`);
}

/** @param {string} name @param {string | number} value @param {string} note */
function row(name, value, note) {
  printParts([`   ${name.padEnd(14)}`], [`${value}`.padStart(6), bold], [`   ${note}`, dim]);
}

/** @param {unknown[][]} entries */
function list(entries) {
  return entries.map(([name, count]) => `${name} ${count}`).join(", ");
}

/**
 * The received payloads, one in full.
 * @param {{ url: string, payloads: WebhookPayload[] }} receiver
 */
export function showWebhooks({ url, payloads }) {
  section("Webhooks", `POST ${url}`);
  for (const { event, session, data } of payloads) {
    const about = `${session.userId}'s is ${session.status}`.padEnd(22);
    const paint = paints[event] ?? yellow;
    printParts([`   ${event.padEnd(10)}`, paint], [about], [JSON.stringify(data ?? {}), dim]);
  }
  const completed = payloads.find(({ event }) => event === "complete");
  if (completed) {
    print();
    print("   The one about the completed session in full:");
    printJson(completed);
  }
}

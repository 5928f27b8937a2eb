/**
 * How durations, costs and tokens are distributed among the newest sessions, by mode, model or user.
 *
 * @module
 */

import type { Filter, Mirror, SessionHead } from "tenure";

/** The maximum number of sessions that are looked at. */
export const MOST = 5000;

/** By what sessions are grouped. */
export type GroupName = "mode" | "model" | "user";

/** The percentiles of one measure. */
export interface Percentiles {
  readonly median: number;
  readonly p95: number;
}

/** The sessions of one mode, model or user. */
export interface Group {
  readonly name: string;
  readonly sessions: number;
  /** In milliseconds, of those that have ended. */
  readonly duration: Percentiles | undefined;
  readonly cost: Percentiles | undefined;
  readonly tokens: Percentiles | undefined;
}

/** The newest sessions of a filter. */
export function newest(mirror: Mirror, filter: Filter): readonly SessionHead[] {
  const heads: SessionHead[] = [];
  for (const head of mirror.list({ ...filter, limit: 1000 })) {
    heads.push(head);
    if (heads.length === MOST) break;
  }
  return heads;
}

/** The groups, the largest first. */
export function groupsOf(heads: readonly SessionHead[], by: GroupName): readonly Group[] {
  const groups = new Map<string, SessionHead[]>();
  for (const head of heads) {
    const name = nameOf(head, by);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [head]);
    else group.push(head);
  }
  return [...groups]
    .map(([name, all]) => ({
      name,
      sessions: all.length,
      duration: percentiles(all.map(durationOf)),
      cost: percentiles(all.map(({ metadata }) => metadata?.cost)),
      tokens: percentiles(all.map(({ metadata }) => metadata?.tokens?.total)),
    }))
    .sort((one, other) => other.sessions - one.sessions || one.name.localeCompare(other.name));
}

function nameOf(head: SessionHead, by: GroupName): string {
  if (by === "mode") return head.mode;
  if (by === "user") return head.userId ?? "(none)";
  const model = head.slot?.model ?? head.metadata?.model;
  if (model === undefined) return "(none)";
  return typeof model === "string" ? model : model.name;
}

function durationOf({ createdAt, finalizedAt }: SessionHead): number | undefined {
  return finalizedAt === undefined ? undefined : Date.parse(finalizedAt) - Date.parse(createdAt);
}

function percentiles(values: readonly unknown[]): Percentiles | undefined {
  const numbers = values.filter((value) => typeof value === "number").sort((a, b) => a - b);
  if (numbers.length === 0) return undefined;
  const at = (share: number): number =>
    numbers[Math.max(0, Math.ceil(share * numbers.length) - 1)] ?? 0;
  return { median: at(0.5), p95: at(0.95) };
}

/** The upper ends of the parts of the histogram. */
const ENDS = [0, 5, 10, 20, 50, 100, 200];

/** How many sessions have used how many iterations. */
export function iterationsOf(
  heads: readonly SessionHead[],
): readonly { readonly label: string; readonly sessions: number }[] {
  const counts = [...ENDS, Number.POSITIVE_INFINITY].map(() => 0);
  for (const { iterations } of heads) {
    const at = ENDS.findIndex((end) => iterations <= end);
    const part = at < 0 ? ENDS.length : at;
    counts[part] = (counts[part] ?? 0) + 1;
  }
  return counts.map((sessions, at) => ({ label: labelOf(at), sessions }));
}

function labelOf(at: number): string {
  const from = (ENDS[at - 1] ?? -1) + 1;
  const to = ENDS[at];
  if (to === undefined) return `${from}+`;
  return from === to ? String(to) : `${from}-${to}`;
}

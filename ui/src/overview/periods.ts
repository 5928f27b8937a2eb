/**
 * The periods of the overview, and the parts into which the chart divides them.
 *
 * @module
 */

/** A period up to now. */
export interface Period {
  readonly name: string;
  readonly ms: number;
  /** The duration of a part in milliseconds. */
  readonly part: number;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** The periods, by their names in the address. */
export const PERIODS: Readonly<Record<string, Period>> = {
  "24h": { name: "24 hours", ms: DAY, part: HOUR },
  "7d": { name: "7 days", ms: 7 * DAY, part: 6 * HOUR },
  "30d": { name: "30 days", ms: 30 * DAY, part: DAY },
  "90d": { name: "90 days", ms: 90 * DAY, part: 2 * DAY },
  "1y": { name: "a year", ms: 364 * DAY, part: 7 * DAY },
};

/** A part of a period. */
export interface PartOfPeriod {
  readonly after: string;
  readonly before: string;
  readonly label: string;
}

const dayFormat = new Intl.DateTimeFormat("en", { month: "short", day: "numeric" });
const hourFormat = new Intl.DateTimeFormat("en", {
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});

/** The parts of a period, the oldest first. They begin at whole hours and days of UTC. */
export function partsOf({ ms, part }: Period, now: number): readonly PartOfPeriod[] {
  const end = Math.ceil(now / part) * part;
  const format = part < DAY ? hourFormat : dayFormat;
  return Array.from({ length: Math.round(ms / part) }, (_, at) => {
    const from = end - ms + at * part;
    return {
      after: new Date(from).toISOString(),
      before: new Date(from + part).toISOString(),
      label: format.format(from),
    };
  });
}

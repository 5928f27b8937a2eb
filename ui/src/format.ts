/**
 * Numbers, sizes and times as text.
 *
 * @module
 */

const whole = new Intl.NumberFormat("en");
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** A number with separators. */
export const count = (value: number): string => whole.format(value);

/** A number in a few characters, such as `12.3K`. */
export const brief = (value: number): string => compact.format(value);

/** A number and its noun. */
export const counted = (value: number, noun: string, plural = `${noun}s`): string =>
  `${count(value)} ${value === 1 ? noun : plural}`;

/** A cost. The currency is the caller's. */
export function cost(value: number): string {
  if (value === 0) return "0";
  return value < 0.01 ? value.toPrecision(2) : value.toFixed(value < 100 ? 2 : 0);
}

/** A percentage. */
export const percent = (value: number): string => `${Number(value.toFixed(1))} %`;

/** A size in bytes. */
export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB"];
  let at = 0;
  let left = value;
  while (left >= 1000 && at < units.length - 1) {
    left /= 1000;
    at += 1;
  }
  return `${at === 0 ? left : left.toFixed(1)} ${units[at]}`;
}

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
] as const;

/** A duration with its two largest units, such as `1h 30m`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  const at = UNITS.findIndex(([, size]) => ms >= size);
  const [unit, size] = UNITS[at] ?? UNITS[3];
  const next = UNITS[at + 1];
  const first = Math.floor(ms / size);
  const rest = next ? Math.floor((ms % size) / next[1]) : 0;
  return next && rest > 0 && first < 10 ? `${first}${unit} ${rest}${next[0]}` : `${first}${unit}`;
}

/** How long ago a time was, in one unit. */
export function age(at: string, now: number): string {
  const ms = now - Date.parse(at);
  if (ms < 0) return `in ${briefly(-ms)}`;
  return ms < 5000 ? "now" : briefly(ms);
}

/** How long ago a time was, as part of a sentence. */
export function sinceThen(at: string, now: number): string {
  const text = age(at, now);
  return text === "now" || Date.parse(at) > now ? text : `${text} ago`;
}

function briefly(ms: number): string {
  const [unit, size] = UNITS.find(([, size]) => ms >= size) ?? UNITS[3];
  return `${Math.floor(ms / size)}${unit}`;
}

const exactFormat = new Intl.DateTimeFormat("en-CA", {
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
  hour12: false,
  timeZoneName: "short",
});

/** The exact time, in the time zone of the reader. */
export const exact = (at: string): string => exactFormat.format(new Date(at)).replace(",", "");

const clockFormat = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});

/** The time of day. */
export const clock = (at: string): string => clockFormat.format(new Date(at));

// The web UI in Chromium, over a SQLite file with many sessions that `tenure ui` serves: the time until the
// first row, from a key in the search to the next frame, and from a commit of another process to the page;
// scrolling; and the weight of the page.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openSync } from "../contenders/tenure.mjs";
import { startChromium } from "../lib/chromium-page.mjs";
import { copyOfMany } from "../lib/many.mjs";
import { quantile } from "../lib/measure.mjs";
import { installClock } from "../lib/page-clock.mjs";
import { bytes, check, checkMost, count, table, time } from "../lib/report.mjs";
import { inWorkspace } from "../lib/workspace.mjs";

export const seconds = 60;

const command = fileURLToPath(new URL("../../npm/bin/tenure", import.meta.url));
const viewport = { width: 1440, height: 900 };
/** How often the page is opened, and how many changes are made. */
const rounds = { open: 5, change: 20 };
/** The texts that are typed: some are in many tasks, some in few, and some in none. */
const typed = "find build 123 fails";
/** The time between two keys of a person who types quickly, after the last one, and between two changes, in ms. */
const pauses = { key: 200, last: 1500, change: 300 };
/** How long the list is scrolled, in milliseconds. */
const SCROLLED_MS = 3000;
/** The goals, in nanoseconds, frames a second and bytes. */
const most = { row: 1e9, key: 16e6, change: 200e6, weight: 300 * 1024 };
const least = { frames: 60 };

export function run({ quick }) {
  return inWorkspace(async (workspace) => {
    const number = quick ? 20_000 : 100_000;
    const path = workspace.path("page.db");
    copyOfMany(number, path);
    const context = await startChromium(workspace.path("profile"), { viewport });
    if (context === undefined) {
      return { tables: [], notes: ["The web UI is left out: there is no Chromium."] };
    }
    workspace.closing(context);
    const server = workspace.closing(await serve(`sqlite:${path}`));
    const sessions = workspace.closing(openSync(`sqlite:${path}`));
    await context.addInitScript(installClock);
    // The first page gets the cookie, and has the code compiled.
    await (await open(context, server)).page.close();

    const opened = [];
    let last;
    for (let round = 0; round < rounds.open; round += 1) {
      await last?.page.close();
      last = await open(context, server);
      opened.push(last.times);
    }
    const { page, work } = last;
    const read = await page.evaluate(() => clock.read());
    const weight = weightOf(await page.evaluate(() => clock.weight()));
    const changes = await changed(page, work, sessions);
    const scrolled = await work.during(() => page.evaluate((ms) => clock.scroll(ms), SCROLLED_MS));
    const keys = await press(page, work);

    const median = (items, name) =>
      quantile(
        items.map((item) => item[name]),
        0.5,
      ) * 1e6;
    const p95 = (items, name) =>
      quantile(
        items.map((item) => item[name]),
        0.95,
      ) * 1e6;
    const rowAt = median(opened, "row");
    const key = median(keys.all, "frame");
    const change = median(changes.all, "took");
    const perSecond = (scrolled.frames / scrolled.ms) * 1000;
    const sent = weight.reduce((sum, { sent }) => sum + sent, 0);
    return {
      tables: [
        table(
          `The web UI, ${count(number)} sessions: from the navigation`,
          ["time", "requests of heads", "the core", "layout and styles", "the rest"],
          [
            ["the page is there", time(median(opened, "html")), "", "", "", ""],
            ["the store is open", time(median(opened, "open")), "", "", "", ""],
            ["the first row is painted", time(rowAt), ...worked(opened, "atRow")],
            ["all sessions are loaded", time(median(opened, "loaded")), "", "", "", ""],
            ["the list has all", time(median(opened, "listed")), ...worked(opened, "atEnd")],
            ["all are read, while the page is idle", time(read * 1e6), "", "", "", ""],
          ],
        ),
        table(
          "The web UI: a key in the search",
          ["median", "95th percentile", "the core", "layout and styles", "the rest"],
          [
            ["to the next frame", time(key), time(p95(keys.all, "frame")), "", "", ""],
            [
              "to the list that has the text",
              time(median(keys.applied, "list")),
              time(p95(keys.applied, "list")),
              "",
              "",
              "",
            ],
            [
              "of which after the pause in typing",
              time(median(keys.applied, "work")),
              time(p95(keys.applied, "work")),
              ...share(keys.work, keys.applied.length),
            ],
          ],
        ),
        table(
          `The web UI: scrolling for ${SCROLLED_MS / 1000} s`,
          [
            "frames a second",
            "longest frame",
            "the core, a frame",
            "layout and styles",
            "the rest",
          ],
          [
            [
              "the list",
              perSecond.toFixed(1),
              time(scrolled.longest * 1e6),
              ...share(scrolled.work, scrolled.frames),
            ],
          ],
        ),
        table(
          "The web UI: from the commit of another process",
          ["median", "99th percentile", "the core", "layout and styles", "the rest"],
          [
            [
              "to the frame that shows it",
              time(change),
              time(
                quantile(
                  changes.all.map(({ took }) => took),
                  0.99,
                ) * 1e6,
              ),
              ...share(changes.work, changes.all.length),
            ],
          ],
        ),
        table(
          "The web UI: its weight",
          ["as it is sent", "as it is"],
          [...weight, total(weight)].map(({ name, sent, size }) => [
            name,
            bytes(sent),
            bytes(size),
          ]),
        ),
      ],
      notes: [
        `In Chromium ${context.browser()?.version() ?? ""}, ${rounds.open} pages and ${rounds.change} changes. A frame has been painted when a message that its animation callback has sent arrives, so that a wait for the screen, up to 16.7 ms, is part of each time. "The core" is the time in the exports of the WebAssembly, "the rest" what the page's thread did besides: its own code, and painting.`,
      ],
      checks: [
        checkMost("the web UI: the first row", most.row, [["opened", rowAt]], time),
        checkMost(
          "the web UI: a key in the search, to the next frame",
          most.key,
          [["key", key]],
          time,
        ),
        check(
          `the web UI: scrolling at ${least.frames} frames a second`,
          perSecond > least.frames - 1,
          perSecond.toFixed(1),
        ),
        checkMost(
          "the web UI: a change of another process",
          most.change,
          [["change", change]],
          time,
        ),
        checkMost("the web UI: its weight", most.weight, [["all", sent]], bytes),
      ],
      data: { opened, keys, scrolled, changes, weight },
    };
  });
}

/** Opens a page, and waits until all sessions are loaded. */
async function open(context, { url, token }) {
  const page = await context.newPage();
  const work = await Work.of(page);
  const shown = page
    .goto(`${url}?token=${token}`, { waitUntil: "commit" })
    .then(() => page.evaluate(() => clock.opened()));
  const first = await shown;
  const atRow = await work.now(first);
  const end = await page.evaluate(() => clock.loaded());
  const atEnd = await work.now(end);
  return { page, work, times: { ...first, ...end, atRow, atEnd } };
}

/** Has another process, this one, make changes, and the page show them. */
async function changed(page, work, sessions) {
  const all = [];
  const before = await work.now();
  for (let change = 0; change < rounds.change; change += 1) {
    const task = `Change ${change} of another process`;
    const shown = page.evaluate((task) => clock.shows(task), task);
    await sleep(pauses.change * (0.5 + Math.random()));
    sessions.start({ task, mode: "developer" });
    const committed = performance.timeOrigin + performance.now();
    all.push({ took: (await shown) - committed });
  }
  return { all, work: work.between(before, await work.now()) };
}

/** Types into the search. */
async function press(page, work) {
  await page.getByRole("searchbox", { name: "Search tasks" }).focus();
  const before = await work.now();
  for (const key of typed) {
    await page.keyboard.press(key === " " ? "Space" : key);
    await sleep(pauses.key);
  }
  await sleep(pauses.last);
  const all = await page.evaluate(() => clock.keys);
  return {
    all,
    // The list waits for a pause in typing, so that not each key has one.
    applied: all.filter(({ list }) => list !== undefined),
    work: work.between(before, await work.now()),
  };
}

/** The work of the thread of a page, as its browser counts it. */
class Work {
  #page;
  #session;

  static async of(page) {
    const work = new Work();
    work.#page = page;
    work.#session = await page.context().newCDPSession(page);
    await work.#session.send("Performance.enable");
    return work;
  }

  /** The work up to now, in milliseconds. */
  async now(clocks) {
    const { metrics } = await this.#session.send("Performance.getMetrics");
    const of = (name) => (metrics.find((metric) => metric.name === name)?.value ?? 0) * 1000;
    const { core, requests } =
      clocks ?? (await this.#page.evaluate(() => ({ core: clock.core, requests: clock.requests })));
    const layout = of("LayoutDuration") + of("RecalcStyleDuration");
    return { requests, core, layout, rest: Math.max(0, of("TaskDuration") - core - layout) };
  }

  between(before, after) {
    return Object.fromEntries(
      Object.entries(after).map(([name, value]) => [name, value - before[name]]),
    );
  }

  /** The result of `act`, with the work meanwhile. */
  async during(act) {
    const before = await this.now();
    const result = await act();
    return { ...result, work: this.between(before, await this.now()) };
  }
}

/** The cells of the work of pages up to a moment. */
function worked(opened, at) {
  return ["requests", "core", "layout", "rest"].map((name) =>
    time(
      quantile(
        opened.map((times) => times[at][name]),
        0.5,
      ) * 1e6,
    ),
  );
}

/** The cells of work, as the share of one of so many. */
function share(work, number) {
  return ["core", "layout", "rest"].map((name) => time((work[name] / number) * 1e6));
}

/** The files of the page by their kinds. */
function weightOf(files) {
  const kinds = [
    ["WebAssembly", ({ name }) => name.endsWith(".wasm")],
    ["styles", ({ name }) => name.endsWith(".css")],
    ["code", ({ name }) => name.endsWith(".js")],
    ["page, icon", () => true],
  ];
  const kindOf = (file) => kinds.find(([, is]) => is(file))[0];
  return kinds.map(([name]) => ({ ...total(files.filter((file) => kindOf(file) === name)), name }));
}

function total(files) {
  const sum = (name) => files.reduce((sum, file) => sum + file[name], 0);
  return { name: "all", sent: sum("sent"), size: sum("size") };
}

/** Serves a store with the command. */
async function serve(store) {
  const child = spawn(command, ["ui", "--json", "--store", store, "--port", "0"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [line] = await once(createInterface(child.stdout), "line");
  const { url, token } = JSON.parse(line);
  return { url, token, close: () => child.kill() };
}

// The files in `ops/`, checked by Prometheus' own program: against the text of a server whose store has seen
// everything that is counted, each metric that an alert rule, its tests, the dashboard or a page of the docs names
// exists, and each alert of the rules has a test.

import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { open } from "tenure";
import { beforeAll, describe, expect, it } from "vitest";
import { newFolder } from "../support/folders.js";
import { newPostgres } from "../support/postgres.js";

const run = promisify(execFile);
const pathOf = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const read = (name: string): Promise<string> => readFile(pathOf(name), "utf8");

const promtool = process.env.PROMTOOL ?? "promtool";
const amtool = process.env.AMTOOL;

/** The text of `GET /metrics` over a store in which everything has happened that is counted. */
async function scrape(): Promise<string> {
  const sessions = await open(newPostgres("pool_max=4"), {
    pessimisticLockingEnabled: true,
    retention: { maxAge: "30d", purgeAfter: "0s", every: 100 },
  });
  try {
    const slot = { taskId: "t", phase: "plan", model: "a", task: "t", mode: "m" } as const;
    await sessions.startInSlot(slot);
    await sessions.startInSlot({ ...slot, model: "b" }, { onModelChange: "replace" });
    await sessions.latestSession("t", "plan");
    const { agents } = sessions;
    const { id } = await agents.create({ agentName: "n", purpose: "p" });
    await agents.update(id, { phase: "planning", metadata: { planFile: "p.json" } });
    await agents.requestApproval(id, { reason: "r" });
    await agents.approve(id, { by: "ada" });
    await agents.hooks.preDelegate({ agent_name: "n", agent_id: id });
    await agents.finalize(id, "completed", { summary: "s" });
    await agents.cleanup();
    while ((sessions.slotMetrics().retention?.removed ?? 0) === 0) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const server = await sessions.serve();
    for (;;) {
      const response = await fetch(new URL("/metrics", server.url), {
        headers: { authorization: `Bearer ${server.token}` },
      });
      expect(response.headers.get("content-type")).toContain("version=0.0.4");
      const text = await response.text();
      // A machine that is busy measures the size of the store later.
      if (text.includes("tenure_store_size_bytes")) return text;
    }
  } finally {
    await sessions.close();
  }
}

/** The names of metrics in a text, without the suffixes of histograms and what rules record. */
function namesIn(text: string): string[] {
  const names = text.match(/\btenure_[a-z0-9_]+/g) ?? [];
  return names.map((name) => name.replace(/_seconds_(bucket|sum|count)$/, "_seconds"));
}

let text = "";
let existing = new Set<string>();

beforeAll(async () => {
  text = await scrape();
  existing = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name ?? ""));
}, 60_000);

/** Runs a checker, which must find nothing. Returns what it has printed. */
async function check(program: string, args: readonly string[], input = ""): Promise<string> {
  const checking = run(program, args);
  checking.child.stdin?.end(input);
  const { stdout, stderr } = await checking.catch(
    (thrown: { code?: unknown; stdout?: string; stderr?: string }) => {
      const missing = `${program} is missing: run the tests with \`npm test\`, or install Debian's package prometheus`;
      throw new Error(thrown.code === "ENOENT" ? missing : `${thrown.stdout}${thrown.stderr}`);
    },
  );
  return stdout + stderr;
}

describe("the metrics of a server", () => {
  it("pass promtool", async () => {
    expect(await check(promtool, ["check", "metrics"], text)).toBe("");
  });

  it("are those of the docs", async () => {
    const listed = [...(await read("docs/metrics.md")).matchAll(/^\| `(tenure_[a-z0-9_]+)` \|/gm)];
    expect(new Set(listed.map(([, name]) => name))).toEqual(existing);
  });
});

describe("the files in ops", () => {
  it.each([
    "ops/prometheus-rules.yml",
    "ops/prometheus-rules.test.yml",
    "ops/prometheus-jobs.test.yml",
    "ops/grafana-dashboard.json",
    "docs/rollout.md",
  ])("name existing metrics alone: %s", async (file) => {
    const names = namesIn(await read(file));
    expect(names.length).toBeGreaterThan(3);
    expect([...new Set(names)].filter((name) => !existing.has(name))).toEqual([]);
  });

  it("test every alert, and pass promtool and amtool", async () => {
    const alerts = [...(await read("ops/prometheus-rules.yml")).matchAll(/- alert: (\w+)/g)];
    const files = ["ops/prometheus-rules.test.yml", "ops/prometheus-jobs.test.yml"];
    const tests = (await Promise.all(files.map(read))).join("");
    const names = alerts.map(([, name]) => name ?? "");
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name) => !tests.includes(`alertname: ${name}`))).toEqual([]);
    const docs = await read("docs/metrics.md");
    const links = (await read("ops/prometheus-rules.yml")).matchAll(
      /runbook: docs\/metrics.md#(\S+)/g,
    );
    for (const [, heading] of links) {
      expect(docs.toLowerCase()).toContain(`\n### ${heading?.replaceAll("-", " ")}\n`);
    }

    await check(promtool, ["check", "rules", pathOf("ops/prometheus-rules.yml")]);
    await check(promtool, ["test", "rules", ...files.map(pathOf)]);
    await check(promtool, ["check", "config", "--syntax-only", pathOf("ops/prometheus.yml")]);
    if (amtool) await check(amtool, ["check-config", pathOf("ops/alertmanager.yml")]);
  }, 60_000);

  it("have a dashboard whose panels do not overlap, over a data source that is chosen", async () => {
    const dashboard = JSON.parse(await read("ops/grafana-dashboard.json")) as {
      readonly panels: readonly Panel[];
    };
    const cells = new Map<string, string>();
    const expressions: string[] = [];
    for (const { title, type, gridPos, datasource, targets } of dashboard.panels) {
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(cells.get(`${x} ${y}`), title).toBeUndefined();
          cells.set(`${x} ${y}`, title);
        }
      }
      if (type === "row") continue;
      expect(datasource?.uid, title).toBe(`\${datasource}`);
      for (const { expr } of targets ?? []) {
        // Grafana replaces its variables before Prometheus reads the query.
        const query = expr.replaceAll("$__rate_interval", "5m").replaceAll("$job", "tenure");
        expect(query, title).not.toContain("$");
        expressions.push(query);
      }
    }
    const rules = expressions.map((expr, number) => ({ record: `panel:${number}`, expr }));
    const file = join(newFolder(), "dashboard.json");
    await writeFile(file, JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
    await check(promtool, ["check", "rules", file]);
  });
});

interface Panel {
  readonly title: string;
  readonly type: string;
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly { readonly expr: string }[];
}

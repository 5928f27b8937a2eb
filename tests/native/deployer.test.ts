// The bot in `examples/deployer.ts`: it is compiled, killed in the middle of a tool call, and goes on.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { open } from "tenure";
import { afterAll, beforeAll, expect, it } from "vitest";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { nodeTool } from "../../scripts/lib/run.mjs";

let folder: string;

beforeAll(() => {
  // The program finds the package in the folders above it.
  folder = mkdtempSync(join(inRoot("target", "scripts"), "deployer-"));
  const [node = "", compiler = ""] = nodeTool("typescript", "tsc", inRoot("npm"));
  const options = ["--outDir", folder, "--rootDir", inRoot("examples"), "--noEmit", "false"];
  const settings = ["--allowJs", "false", "--checkJs", "false"];
  const compiled = spawnSync(node, [compiler, "-p", inRoot("examples"), ...options, ...settings], {
    encoding: "utf8",
    cwd: dirname(folder),
  });
  expect(compiled).toMatchObject({ status: 0, stdout: "" });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("asks before production, and repeats no deployment after a crash", async () => {
  const store = `sqlite:${join(folder, "bot.db")}`;
  const log = join(folder, "deployments.log");
  const run = (crashAt = "") => {
    const env = { ...process.env, TENURE_STORE: store, DEPLOY_LOG: log, CRASH_AT: crashAt };
    const program = join(folder, "deployer.js");
    const { status, signal, stdout, stderr } = spawnSync(
      process.execPath,
      [program, "shop", "mail"],
      { env, encoding: "utf8" },
    );
    return { status, signal, stdout, stderr };
  };
  expect(run("mail to staging")).toMatchObject({ signal: "SIGKILL", stdout: "" });
  const asked = run();
  expect(asked).toMatchObject({ status: 0, stderr: "" });
  expect(asked.stdout).toMatch(/^mail to staging was carried out before the crash\nwaits for: /);
  expect(run().stdout).toMatch(/^waits for: tenure agent approve agent-\S+ --by NAME\n$/);
  {
    await using sessions = await open(store);
    const { id } = (await sessions.latest({ mode: "deployer" })) ?? { id: "" };
    await sessions.agents.approve(id, { by: "ada" });
  }
  expect(run("shop to production").signal).toBe("SIGKILL");
  expect(run()).toMatchObject({
    status: 0,
    stdout: "shop to production was carried out before the crash\ndeployed shop, mail\n",
  });
  expect(readFileSync(log, "utf8").split("\n")).toEqual([
    "shop to staging",
    "mail to staging",
    "shop to production",
    "mail to production",
    "",
  ]);
  await using sessions = await open(store);
  const done = await sessions.latest({ mode: "deployer" });
  expect(done).toMatchObject({
    status: "completed",
    phase: "completed",
    iterations: 2,
    summary: "2 deployed",
    resultData: { deployed: ["shop", "mail"] },
  });
  // Another run is another session.
  expect(run().stdout).toMatch(/^waits for: /);
  expect((await sessions.latest({ mode: "deployer" }))?.id).not.toBe(done?.id);
});

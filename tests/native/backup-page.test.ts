// The page about backups: its commands are run as they stand, over stores with sessions, an archive, and the PostgreSQL server of the
// tests. About 4 s.

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, expect, it } from "vitest";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { newFolder } from "../support/folders.js";
import { codeBlocks, sectionOf } from "../support/readme.js";

const page = readFileSync(inRoot("docs", "backup.md"), "utf8");
const commandsOf = (heading: string): readonly string[] =>
  codeBlocks(sectionOf(page, heading), "sh");

/** Runs scripts in a folder of their own, where `tenure` is a command. */
function place(env: Readonly<Record<string, string>> = {}) {
  const folder = newFolder();
  const paths = [inRoot("npm", "bin"), process.env.TENURE_TEST_POSTGRES_BIN, process.env.PATH];
  const PATH = paths.filter((path) => path !== undefined).join(delimiter);
  const run = (script = ""): string =>
    execFileSync("bash", ["-euo", "pipefail", "-c", script], {
      cwd: folder,
      encoding: "utf8",
      env: { PATH, HOME: folder, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    }).trimEnd();
  return { folder, run };
}

describe("the page about backups", () => {
  it("copies stores, and restores a copy", () => {
    const { run } = place();
    const [backup, restore] = commandsOf("SQLite and files");
    const id = run('tenure start --store sqlite:./tenure.db "Fix it"');
    const other = run('tenure start --store file:./sessions "Fix that"');
    const exported = run(`tenure export --store sqlite:./tenure.db ${id}`);
    run(backup);
    run(`tenure complete --store sqlite:./tenure.db ${id} done`);
    run(restore);
    expect(run(`tenure export --store sqlite:./tenure.db ${id}`)).toBe(exported);
    expect(run(`tenure show --store file:./backups/sessions ${other}`)).toContain("Fix that");
  });

  it("dumps a schema of PostgreSQL, and restores it", () => {
    const server = process.env.TENURE_TEST_POSTGRES ?? "";
    const name = `backup_${process.pid}`;
    const database = new URL(server);
    database.pathname = `/${name}`;
    const BOTS = database.href;
    const { run } = place({ BOTS, TENURE_STORE: BOTS });
    const [dump, restore] = commandsOf("PostgreSQL");
    run(`psql --quiet --command "CREATE DATABASE ${name} TEMPLATE template0" "${server}"`);
    try {
      const [id, gone] = [run('tenure start "Fix it"'), run('tenure start "Remove it"')];
      const exported = [id, gone].map((id) => run(`tenure export ${id}`));
      run(dump);
      run(`tenure complete ${id} done; tenure rm ${gone}; tenure start "Too late"`);
      expect(run("tenure list | wc -l")).toBe("2");
      run(restore);
      expect([id, gone].map((id) => run(`tenure export ${id}`))).toEqual(exported);
      expect(run("tenure list | wc -l")).toBe("2");
      // The restored schema is written to as before.
      run(`tenure complete ${id} done`);
    } finally {
      run(`psql --quiet --command "DROP DATABASE ${name} WITH (FORCE)" "${server}"`);
    }
  });

  it("mirrors an archive, notices its damage, and restores sessions from it alone", () => {
    const { folder, run } = place({ TENURE_STORE: "sqlite:./tenure.db" });
    const [mirror] = commandsOf("The archive");
    const [restore] = commandsOf("From the archive alone");
    const purge = (task: string): readonly [id: string, exported: string] => {
      const id = run(`tenure start "${task}"`);
      run(`tenure trash ${id}`);
      const exported = run(`tenure export ${id}`);
      run("tenure jobs run --once --purge-after 0s --archive file:./archive");
      expect(() => run(`tenure show ${id}`)).toThrow();
      return [id, exported];
    };
    const first = purge("Fix this");
    expect(run(mirror)).toContain("1 session as archived, 0 problems");
    // The mirror gets what is new.
    const second = purge("Fix that");
    expect(run(mirror)).toContain("2 sessions as archived, 0 problems");
    run("rm -r archive tenure.db*");
    run(restore);
    for (const [id, exported] of [first, second]) {
      expect(run(`tenure export --store sqlite:./new.db ${id}`)).toBe(exported);
    }
    const sessions = join(folder, "mirror", "sessions");
    const [object = ""] = readdirSync(sessions, { recursive: true, encoding: "utf8" }).filter(
      (name) => name.endsWith(".json"),
    );
    writeFileSync(join(sessions, object), "{}");
    expect(() => run("tenure archive verify --archive file:./mirror")).toThrow();
  });
});

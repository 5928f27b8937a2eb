// A local forge: hosts a repository over HTTP with a token, runs its workflows, serves a registry
// with the packed package, and has a fresh machine for each job.

import { execFile } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { inject } from "vitest";
import { type GitServer, serveGit } from "../git-server.js";
import { type Registry, serveRegistry } from "../npm-registry.js";
import { newProject } from "../project.js";
import { environment } from "../run.js";
import { type Job, type Machine, type Run, runJobs } from "./runner.js";

const exec = promisify(execFile);
const token = "token-of-the-job";

/** The folder of the programs that a machine has besides those of this one. */
const programs = fileURLToPath(new URL("../bin", import.meta.url));

/** The audit entries of a run. */
export interface Logged {
  readonly session_key: string;
  readonly event_type: string;
  readonly workflow: string;
  readonly run_id: string;
  readonly commit_sha: string;
  readonly executed: boolean;
  readonly job_status: string;
  readonly duplicate_prevented: boolean;
}

const today = () => new Date().toISOString().slice(0, 10);

/** The work of the agent: it records that it ran, and exits with the given code. */
const agent = `#!/bin/sh
echo "$GITHUB_RUN_ID" >>"$LEDGER"
exit "\${AGENT_ENDS_WITH:-0}"
`;

export class Forge implements AsyncDisposable {
  readonly #folder: string;
  readonly #git: GitServer;
  readonly #registry: Registry;
  readonly #project: string;
  readonly #opened = today();
  /** The saved caches, newest first. */
  readonly #cache: [key: string, folder: string][] = [];

  static async open(): Promise<Forge> {
    const { tarball, workshop } = inject("packed");
    const folder = mkdtempSync(join(workshop, "forge-"));
    mkdirSync(join(folder, "installed"));
    await makeRepository(folder);
    const servers = [serveGit(join(folder, "hosted"), token), serveRegistry(tarball)] as const;
    return new Forge(folder, await newProject("esm"), await servers[0], await servers[1]);
  }

  private constructor(folder: string, project: string, git: GitServer, registry: Registry) {
    this.#folder = folder;
    this.#project = project;
    this.#git = git;
    this.#registry = registry;
  }

  /** The store in the hosted repository. */
  get store(): string {
    return `git:${join(this.#folder, "hosted", "acme", "agents")}`;
  }

  /** The folder of the installed commands of a project with the package. */
  get bin(): string {
    return join(this.#project, "node_modules", ".bin");
  }

  /** Runs the job of a workflow on a fresh machine, which only has Node, npm and git. */
  async run(workflow: string, run: Run, env: Readonly<Record<string, string>> = {}): Promise<Job> {
    const [job, ...others] = (await this.runAll(workflow, run, env)).values();
    if (job === undefined || others.length > 0) throw new Error("expected one job");
    return job;
  }

  /** The same for a workflow with several jobs. */
  async runAll(
    workflow: string,
    run: Run,
    env: Readonly<Record<string, string>> = {},
  ): Promise<ReadonlyMap<string, Job>> {
    return await runJobs(workflow, run, () => this.#machine(env));
  }

  /** The numbers of the runs in which the agent has worked. */
  worked(): readonly string[] {
    const ledger = this.#ledger;
    return existsSync(ledger) ? readFileSync(ledger, "utf8").split("\n").slice(0, -1) : [];
  }

  /** The audit entries of a run. */
  async logged(id: string): Promise<readonly Logged[]> {
    // The day may have changed since the tests started.
    const days = [...new Set([this.#opened, today()])];
    const logs = days.map((day) => this.tenure("dedup", "log", "--json", "--date", day));
    const entries = (await Promise.all(logs)).flatMap((log): readonly Logged[] => JSON.parse(log));
    return entries.filter((entry) => entry.run_id === id);
  }

  /** Runs the command on the store of the repository. */
  async tenure(...args: readonly string[]): Promise<string> {
    const env = { ...environment(), TENURE_STORE: this.store };
    return (await exec(join(this.bin, "tenure"), args, { env })).stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#git[Symbol.asyncDispose]();
    await this.#registry[Symbol.asyncDispose]();
  }

  /** Restores the newest cache whose key has this prefix. */
  #restore({ path = "", "restore-keys": prefix = "" }: Readonly<Record<string, string>>): void {
    const [, newest] = this.#cache.find(([key]) => key.startsWith(prefix)) ?? [];
    if (newest !== undefined) cpSync(newest, path, { recursive: true });
  }

  #save({ path = "", key = "" }: Readonly<Record<string, string>>): void {
    const saved = mkdtempSync(join(this.#folder, "cache-"));
    cpSync(path, saved, { recursive: true });
    this.#cache.unshift([key, saved]);
  }

  get #ledger(): string {
    return join(this.#folder, "ledger");
  }

  #machine(env: Readonly<Record<string, string>>): Machine {
    const folder = mkdtempSync(join(this.#folder, "machine-"));
    const { url } = this.#git;
    return {
      folder,
      serverUrl: url,
      repository: "acme/agents",
      token,
      env: {
        PATH: `${join(folder, "global", "bin")}:${programs}:${process.env.PATH}`,
        INSTALLED_BEFORE: join(this.#folder, "installed"),
        HOME: folder,
        GIT_CONFIG_NOSYSTEM: "1",
        npm_config_registry: this.#registry.url,
        npm_config_prefix: join(folder, "global"),
        npm_config_cache: join(folder, "npm-cache"),
        npm_config_fetch_retries: "0",
        LEDGER: this.#ledger,
        ...env,
      },
      actions: {
        "actions/checkout": (_, workspace) => checkOut(workspace, url),
        "actions/cache/restore": (inputs) => this.#restore(inputs),
        "actions/cache/save": (inputs) => this.#save(inputs),
      },
    };
  }
}

/** The relevant effect of `actions/checkout`: it leaves the token in the checkout. */
async function checkOut(workspace: string, url: string): Promise<void> {
  const git = (...args: readonly string[]) => exec("git", args, { cwd: workspace });
  const secret = Buffer.from(`x-access-token:${token}`).toString("base64");
  await git("init", "--quiet");
  await git("remote", "add", "origin", `${url}/acme/agents`);
  await git("config", "--local", `http.${url}/.extraheader`, `AUTHORIZATION: basic ${secret}`);
  await git("fetch", "--quiet", "--depth=1", "origin", "main");
  await git("checkout", "--quiet", "--detach", "FETCH_HEAD");
}

/** Creates the hosted repository with the agent in it. */
async function makeRepository(folder: string): Promise<void> {
  const [hosted, source] = [join(folder, "hosted", "acme", "agents"), join(folder, "source")];
  for (const path of [hosted, source]) mkdirSync(path, { recursive: true });
  writeFileSync(join(source, "agent.sh"), agent);
  chmodSync(join(source, "agent.sh"), 0o755);
  const git = (...args: readonly string[]) => exec("git", args, { cwd: source });
  const author = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"];
  await exec("git", ["init", "--quiet", "--bare", hosted]);
  await git("init", "--quiet", "--initial-branch=main");
  await git("add", ".");
  await git(...author, "commit", "--quiet", "-m", "Add an agent");
  await git("push", "--quiet", hosted, "main");
}

// A minimal workflow runner: jobs on this machine whose steps are bash scripts or composite actions
// of this repository. It evaluates conditions and values, gives each step the environment and the
// files of a real runner, and executes the commands of steps.

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inRoot } from "../../../../scripts/lib/paths.mjs";
import { environment } from "../run.js";
import { type Annotation, annotationsIn, valuesIn } from "./commands.js";
import {
  type Job as Described,
  readAction,
  readWorkflow,
  type Step,
  type Workflow,
} from "./documents.js";
import { holds, type Scope, type Status, text, texts } from "./expressions.js";

const mainBranch = "refs/heads/main";

/** A run that an event triggered. */
export interface Run {
  readonly event: string;
  readonly sha: string;
  /** The full name of the branch or tag; that of the main branch by default. */
  readonly ref?: string;
  readonly id: string;
  readonly attempt?: number;
  readonly workflow?: string;
  /** The payload of the event. */
  readonly payload?: object;
  /** The variables of the repository. */
  readonly vars?: Readonly<Record<string, string>>;
}

/** A machine that runs jobs of a repository, one at a time or several concurrently. */
export interface Machine {
  /** The parent folder of the jobs' folders. */
  readonly folder: string;
  readonly serverUrl: string;
  readonly repository: string;
  readonly token: string;
  readonly env: Readonly<Record<string, string>>;
  /** Implementations of the actions of other repositories, by name. */
  readonly actions: Readonly<Record<string, Action>>;
}

export type Action = (
  inputs: Readonly<Record<string, string>>,
  workspace: string,
) => Promise<void> | void;

/** The result of a job. */
export interface Job {
  readonly status: Status | "skipped";
  /** The result of each named step; `skipped` if its condition was false. */
  readonly steps: Readonly<Record<string, Conclusion>>;
  /** The outputs of each step with an `id`. */
  readonly outputs: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** The outputs of the job. */
  readonly jobOutputs: Readonly<Record<string, string>>;
  readonly annotations: readonly Annotation[];
  readonly summary: string;
  readonly log: string;
}

export type Conclusion = "success" | "failure" | "skipped";

interface StepContext {
  readonly outputs: Readonly<Record<string, string>>;
  readonly outcome: Conclusion;
  readonly conclusion: Conclusion;
}

/** The state that the steps of a job or an action share. */
interface Frame {
  readonly steps: Record<string, StepContext>;
  readonly inputs: Readonly<Record<string, string>> | undefined;
  readonly env: Record<string, string>;
  /** The folder of the action, if it is one. */
  readonly action: string | undefined;
  /** Whether one of its steps has failed. */
  failed: boolean;
}

/** Runs the jobs of a workflow, each on its own machine, in the order of their dependencies. */
export async function runJobs(
  path: string,
  run: Run,
  newMachine: () => Machine,
): Promise<ReadonlyMap<string, Job>> {
  const workflow = await readWorkflow(path);
  const done = new Map<string, Job>();
  for (const job of workflow.jobs)
    done.set(job.id, await new JobRun(run, newMachine(), needed(job, done)).all(workflow, job));
  return done;
}

function needed(
  { needs }: Described,
  done: ReadonlyMap<string, Job>,
): Readonly<Record<string, Job>> {
  const found = needs.map((id): [string, Job] => {
    const job = done.get(id);
    if (job === undefined) throw new Error(`the job ${id} comes too late in the file`);
    return [id, job];
  });
  return Object.fromEntries(found);
}

class JobRun {
  readonly #run: Run;
  readonly #machine: Machine;
  readonly #needs: Readonly<Record<string, Job>>;
  readonly #folder: string;
  readonly #workspace: string;
  readonly #fromFiles: Record<string, string> = {};
  readonly #named: Record<string, Conclusion> = {};
  readonly #annotations: Annotation[] = [];
  #status: Status = "success";
  #summary = "";
  #log = "";

  constructor(run: Run, machine: Machine, needs: Readonly<Record<string, Job>>) {
    this.#run = run;
    this.#machine = machine;
    this.#needs = needs;
    this.#folder = mkdtempSync(join(machine.folder, "job-"));
    this.#workspace = join(this.#folder, "work");
    for (const name of ["work", "temp"]) mkdirSync(join(this.#folder, name));
  }

  async all({ env }: Workflow, job: Described): Promise<Job> {
    const frame: Frame = {
      steps: {},
      inputs: undefined,
      env: {},
      action: undefined,
      failed: false,
    };
    const before = Object.values(this.#needs).every(({ status }) => status === "success");
    const scope: Scope = { ...this.#scope(frame), status: before ? "success" : "failure" };
    if (!holds(job.condition, scope)) return this.#ended("skipped", frame, {});
    Object.assign(frame.env, texts(env, this.#scope(frame)));
    Object.assign(frame.env, texts(job.env, this.#scope(frame)));
    for (const step of job.steps) {
      const { conclusion } = await this.#step(step, frame);
      const name = text(step.definition.find("name"), this.#scope(frame));
      if (name !== "") this.#named[name] = conclusion;
      if (conclusion === "failure") this.#status = "failure";
    }
    return this.#ended(this.#status, frame, texts(job.outputs, this.#scope(frame)));
  }

  #ended(status: Job["status"], frame: Frame, jobOutputs: Record<string, string>): Job {
    return {
      status,
      jobOutputs,
      steps: this.#named,
      outputs: Object.fromEntries(
        Object.entries(frame.steps).map(([id, { outputs }]) => [id, outputs]),
      ),
      annotations: this.#annotations,
      summary: this.#summary,
      log: this.#log,
    };
  }

  async #step(step: Step, frame: Frame): Promise<StepContext> {
    const context = await this.#outcome(step, frame);
    frame.steps[step.id] = context;
    return context;
  }

  async #outcome({ condition, definition }: Step, frame: Frame): Promise<StepContext> {
    if (!holds(condition, this.#scope(frame)))
      return { outputs: {}, outcome: "skipped", conclusion: "skipped" };
    const scope = this.#scope(frame);
    const env = { ...frame.env, ...texts(definition.find("env"), scope) };
    const within = this.#scope({ ...frame, env });
    const uses = definition.find("uses");
    const { ok, outputs } =
      uses === undefined
        ? await this.#script(
            text(definition.find("run"), within),
            definition.find("shell") !== undefined,
            frame,
            env,
          )
        : await this.#action(text(uses, within), texts(definition.find("with"), within), env);
    const outcome = ok ? "success" : "failure";
    const forgiven = text(definition.find("continue-on-error"), within) === "true";
    return { outputs, outcome, conclusion: forgiven ? "success" : outcome };
  }

  /**
   * Runs an action of this repository, with any owner in its name, or another implemented action.
   */
  async #action(
    uses: string,
    given: Record<string, string>,
    env: Record<string, string>,
  ): Promise<{ ok: boolean; outputs: Record<string, string> }> {
    const other = this.#machine.actions[uses.replace(/@v\d+$/, "")];
    if (other !== undefined) {
      await other(given, this.#workspace);
      return { ok: true, outputs: {} };
    }
    const [, path] = uses.match(/^[^/@]+\/tenure\/([^@]+)@v\d+$/) ?? [];
    if (path === undefined) throw new Error(`there is no action ${uses} here`);
    const folder = inRoot(path);
    const action = readAction(join(folder, "action.yml"));
    const unknown = Object.keys(given).filter((name) => !action.defaults.has(name));
    if (unknown.length > 0) throw new Error(`${uses} takes no ${unknown.join(", ")}`);
    const outside = this.#scope({
      steps: {},
      inputs: undefined,
      env,
      action: folder,
      failed: false,
    });
    const defaults = [...action.defaults].map(([name, token]) => [name, text(token, outside)]);
    const inputs = { ...Object.fromEntries(defaults), ...given };
    const frame: Frame = { steps: {}, inputs, env, action: folder, failed: false };
    for (const step of action.steps) {
      const { conclusion } = await this.#step(step, frame);
      if (conclusion === "failure") frame.failed = true;
    }
    const scope = this.#scope(frame);
    const outputs = [...action.outputs].map(([name, token]) => [name, text(token, scope)]);
    return { ok: !frame.failed, outputs: Object.fromEntries(outputs) };
  }

  async #script(
    script: string,
    namesShell: boolean,
    frame: Frame,
    env: Record<string, string>,
  ): Promise<{ ok: boolean; outputs: Record<string, string> }> {
    const folder = mkdtempSync(join(this.#folder, "step-"));
    const file = (name: string) => join(folder, name);
    for (const name of ["output", "env", "path", "summary"]) writeFileSync(file(name), "");
    writeFileSync(file("script.sh"), script);
    const strict = namesShell ? ["--noprofile", "--norc", "-eo", "pipefail"] : ["-e"];
    const { code, output } = await bash([...strict, file("script.sh")], this.#workspace, {
      ...this.#environment(frame, env),
      GITHUB_OUTPUT: file("output"),
      GITHUB_ENV: file("env"),
      GITHUB_PATH: file("path"),
      GITHUB_STEP_SUMMARY: file("summary"),
    });
    const said = (name: string) => readFileSync(file(name), "utf8");
    this.#log += output;
    this.#annotations.push(...annotationsIn(output));
    this.#summary += said("summary");
    Object.assign(this.#fromFiles, valuesIn(said("env")));
    return { ok: code === 0, outputs: valuesIn(said("output")) };
  }

  #environment(frame: Frame, env: Record<string, string>): NodeJS.ProcessEnv {
    const { event, sha, ref = mainBranch, id, attempt = 1, workflow = "Agent" } = this.#run;
    const { serverUrl, repository, env: ofMachine } = this.#machine;
    return {
      ...environment(),
      ...ofMachine,
      CI: "true",
      GITHUB_ACTIONS: "true",
      GITHUB_SERVER_URL: serverUrl,
      GITHUB_REPOSITORY: repository,
      GITHUB_EVENT_NAME: event,
      GITHUB_SHA: sha,
      GITHUB_REF: ref,
      GITHUB_RUN_ID: id,
      GITHUB_RUN_ATTEMPT: String(attempt),
      GITHUB_WORKFLOW: workflow,
      GITHUB_WORKSPACE: this.#workspace,
      RUNNER_TEMP: join(this.#folder, "temp"),
      ...this.#fromFiles,
      ...env,
      ...(frame.action === undefined ? {} : { GITHUB_ACTION_PATH: frame.action }),
    };
  }

  #scope(frame: Frame): Scope {
    const { event, sha, ref = mainBranch, id, attempt = 1 } = this.#run;
    const { workflow = "Agent", payload = {}, vars = {} } = this.#run;
    const { serverUrl, repository, token, env } = this.#machine;
    const github = {
      event_name: event,
      event: payload,
      sha,
      ref,
      run_id: id,
      run_attempt: String(attempt),
      workflow,
      server_url: serverUrl,
      repository,
      token,
    };
    return {
      contexts: {
        github,
        vars,
        env: { ...env, ...this.#fromFiles, ...frame.env },
        job: { status: this.#status },
        runner: { temp: join(this.#folder, "temp") },
        steps: frame.steps,
        needs: Object.fromEntries(
          Object.entries(this.#needs).map(([id, { status, jobOutputs }]) => [
            id,
            { result: status, outputs: jobOutputs },
          ]),
        ),
        ...(frame.inputs === undefined ? {} : { inputs: frame.inputs }),
      },
      // The steps of an action depend on the status of the action, not of the job: the action may
      // run after a failed step of the job.
      status: frame.action === undefined ? this.#status : frame.failed ? "failure" : "success",
    };
  }
}

function bash(
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn("bash", args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (said: string) => {
        output += said;
      });
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
}

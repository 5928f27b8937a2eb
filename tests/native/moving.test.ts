// The page about moving over from scripts, and the shims in `examples/python`, which keep the functions and
// the commands of those scripts over the command `tenure`.

import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, expect, it } from "vitest";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { run } from "../../scripts/lib/run.mjs";
import { newFolder } from "../support/folders.js";
import { linkedFiles } from "../support/readme.js";

const python = inRoot("examples", "python");
const page = readFileSync(inRoot("docs", "moving.md"), "utf8");
const source = (shim: string): string => readFileSync(join(python, `${shim}.py`), "utf8");

/** Runs Python in a folder of its own, where the shims are modules and `tenure` is a command. */
function place(): (args: readonly string[], more?: Record<string, string>) => Promise<string> {
  const folder = newFolder();
  const env = {
    PATH: [inRoot("npm", "bin"), process.env.PATH].join(delimiter),
    HOME: folder,
    PYTHONPATH: python,
    PYTHONDONTWRITEBYTECODE: "1",
    TENURE_STORE: `sqlite:${join(folder, "tenure.db")}`,
  };
  return async (args, more) =>
    (await run("python3", args, { cwd: folder, env: { ...env, ...more } })).stdout;
}

/** Prints the help texts of commands, which are the arguments, as a list. */
const HELP = `
import json, subprocess, sys
def help_of(command):
    call = ["tenure", *command.split(" "), "--help"]
    return subprocess.run(call, check=True, capture_output=True, text=True).stdout
print(json.dumps([help_of(command) for command in sys.argv[1:]]))
`;

describe("agent_session.py", () => {
  const agents = async (code: string): Promise<unknown> => {
    const said = await place()(["-c", `import json\nfrom agent_session import *\n${code}`]);
    return JSON.parse(said);
  };

  it("keeps an agent through an approval", async () => {
    const said = await agents(`
agent_id = create_session("terraform-architect", "approval_workflow", {"task_id": "T001"})
update_state(agent_id, phase="planning", metadata={"plan_file": "plan.json"})
update_state(agent_id, phase="approval")
resumed = should_resume(agent_id)
update_state(agent_id, phase="executing", error="a first try")
again = should_resume(agent_id)
finalized = finalize_session(agent_id, outcome="completed", summary="-- applied")
print(json.dumps([agent_id, resumed, again, finalized, get_session(agent_id)]))
`);
    expect(said).toEqual([
      expect.stringMatching(/^agent-\d{8}-\d{6}-[0-9a-f]{8}$/),
      true,
      false,
      true,
      expect.objectContaining({
        agent_name: "terraform-architect",
        purpose: "approval_workflow",
        phase: "completed",
        metadata: { task_id: "T001", plan_file: "plan.json" },
        resume_ready: false,
        error_count: 1,
        summary: "-- applied",
        history: [
          expect.objectContaining({ from_phase: "initializing", to_phase: "planning" }),
          expect.objectContaining({ to_phase: "approval" }),
          expect.objectContaining({ to_phase: "executing" }),
          expect.objectContaining({ to_phase: "completed" }),
        ],
      }),
    ]);
  });

  it("lists and cleans up agents", async () => {
    const said = await agents(`
waiting = create_session("a", "p")
update_state(waiting, phase="investigating")
create_session("a", "p")
create_session("b", "p")
names = lambda states: [state["agent_name"] for state in states]
print(json.dumps([
    names(list_sessions()),
    [state["agent_id"] == waiting for state in list_sessions(active_only=True)],
    names(list_sessions(agent_name="a")),
    cleanup_old_sessions(),
    cleanup_old_sessions(hours=0),
    list_sessions(),
]))
`);
    expect(said).toEqual([["b", "a", "a"], [true], ["a", "a"], 0, 3, []]);
  });

  it("says no to what is unknown", async () => {
    const said = await agents(`
agent_id = create_session("a")
print(json.dumps([
    update_state(agent_id, phase="dreaming"),
    update_state("unknown", phase="planning"),
    should_resume("unknown"),
    get_session("unknown"),
    finalize_session("unknown", "completed"),
    finalize_session(agent_id, "finished"),
]))
`);
    expect(said).toEqual([false, false, false, null, false, false]);
  });

  it("has the commands of the script", async () => {
    const shim = place();
    const command = join(python, "agent_session.py");
    const agent = (...args: readonly string[]): Promise<string> => shim([command, ...args]);
    const id = (await agent("create", "--agent", "reviewer", "--purpose", "review")).trim();
    await agent("create", "--agent", "other");
    await agent("update", id, "--phase", "approval");
    expect(await agent("should-resume", id)).toContain("resumable");
    const [only = "", ...others] = (await agent("list", "--active-only")).trim().split("\n");
    expect([only.startsWith(id), others]).toEqual([true, []]);
    await agent("finalize", id, "completed");
    expect(JSON.parse(await agent("get", id))).toMatchObject({ phase: "completed" });
    await agent("cleanup", "--hours", "0");
    expect(await agent("list")).toBe("");
  });

  it("goes on without the command", async () => {
    const shim = place();
    const code = `
from agent_session import *
print(create_session("a"), should_resume("a"), list_sessions())
`;
    const [interpreter = ""] = (await shim(["-c", "import sys; print(sys.executable)"])).split(
      "\n",
    );
    const { stdout } = await run(interpreter, ["-c", code], {
      cwd: newFolder(),
      env: { PATH: newFolder(), PYTHONPATH: python, PYTHONDONTWRITEBYTECODE: "1" },
    });
    expect(stdout).toBe("None False []\n");
  });
});

describe("session_deduplicator.py", () => {
  it("admits one run of a commit", async () => {
    const shim = place();
    const outputs = join(newFolder(), "outputs");
    const step = (runId: string, ...args: readonly string[]): Promise<string> =>
      shim([join(python, "session_deduplicator.py"), ...args], {
        GITHUB_OUTPUT: outputs,
        GITHUB_RUN_ID: runId,
      });
    const commit = "abc1234567";
    const key = "my-workflow-push-abc12345";
    const checked = await step("1", "check", "push", "My Workflow", commit, "1");
    expect(checked).toContain(`SESSION_KEY=${key}\nSKIP_EXECUTION=false\n`);
    expect(readFileSync(outputs, "utf8")).toContain(`session_key=${key}\nskip_execution=false\n`);
    await step("1", "register", key, "push", "My Workflow", "1", commit);
    const second = await step("2", "check", "push", "My Workflow", commit, "2");
    expect(second).toContain("SKIP_EXECUTION=true");
    await step("1", "audit", key, "push", "My Workflow", "1", commit, "true", "success");
    await step("1", "cleanup", key);
  });
});

describe("session_manager.py", () => {
  it("knows the machines of running processes", async () => {
    const shim = place();
    const manager = "import asyncio, json\nfrom session_manager import *\n";
    await shim(["-c", `${manager}get_session_manager().register_vm_sync("lost", "z", [])`]);
    const said = await shim([
      "-c",
      `${manager}
async def main():
    before = is_session_manager_available()
    mine = get_session_manager()
    registered = [
        await mine.register_vm("vm-1", "us-central1-a", ["voice", "ml"], {"trigger": "HIGH_RAM"}),
        await mine.register_vm("vm-2", "us-central1-a", []),
    ]
    sessions = await mine.get_all_active_sessions()
    assert list(sessions) == [mine.session_id]
    print(json.dumps({
        "available": [before, is_session_manager_available()],
        "registered": registered,
        "mine": await mine.get_my_vm(),
        "sessions": [[data["pid"] == mine.pid, data["vm_id"]] for data in sessions.values()],
        "stale": [await mine.cleanup_stale_sessions(), await mine.cleanup_stale_sessions()],
        "unregistered": [await mine.unregister_vm(), mine.unregister_vm_sync()],
        "after": mine.get_my_vm_sync(),
        "statistics": mine.get_statistics(),
    }))
asyncio.run(main())
`,
    ]);
    expect(JSON.parse(said)).toEqual({
      available: [false, true],
      registered: [true, false],
      mine: {
        vm_id: "vm-1",
        zone: "us-central1-a",
        components: ["voice", "ml"],
        metadata: { trigger: "HIGH_RAM" },
        registered_at: expect.any(Number),
        status: "active",
      },
      sessions: [[true, "vm-1"]],
      stale: [1, 0],
      unregistered: [true, false],
      after: null,
      statistics: {
        session_id: expect.any(String),
        pid: expect.any(Number),
        hostname: expect.any(String),
        uptime_seconds: expect.any(Number),
        has_vm: false,
        vm_id: null,
        vms_registered: 1,
        vms_unregistered: 1,
        registry_cleanups: 2,
        stale_sessions_removed: 1,
      },
    });
  });
});

describe("the page about moving over", () => {
  it("names every function and command of the shims", () => {
    const functions = ["agent_session", "session_manager"].flatMap((shim) =>
      [...source(shim).matchAll(/^(?: {4}async )?def ([a-z]\w*)/gm)].map(([, name]) => name ?? ""),
    );
    const named = functions.filter((name) => name !== "main");
    expect(named.length).toBeGreaterThan(12);
    expect(named.filter((name) => !page.includes(`\`${name}(`))).toEqual([]);
    for (const command of ["check", "register", "cleanup", "audit"]) {
      expect(page).toContain(`session_deduplicator.py ${command}`);
    }
  });

  it("names existing commands with existing options", async () => {
    const calls = [...page.matchAll(/\btenure ((?:[a-z][a-z-]*\s)*[a-z][a-z-]*)([^`\n&]*)/g)];
    const commands = calls.filter(([text]) => !/^tenure (?:fails|and|does|says)/.test(text));
    expect(commands.length).toBeGreaterThan(30);
    const names = [...new Set(commands.map(([, command = ""]) => command.trim()))];
    const helps: string[] = JSON.parse(await place()(["-c", HELP, ...names]));
    for (const [text, command = "", rest = ""] of commands) {
      const help = helps[names.indexOf(command.trim())];
      for (const [option] of rest.matchAll(/--[a-z-]+/g)) expect(help, text).toContain(option);
    }
  });

  it("links to existing files", () => {
    const missing = linkedFiles(page).filter((file) => !existsSync(inRoot("docs", file)));
    expect(missing).toEqual([]);
  });
});

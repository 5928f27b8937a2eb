// The package in its own process: when Node exits, which build is chosen, and how it is loaded.

import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newDatabase } from "../support/sqlite.js";

const tests = fileURLToPath(new URL("..", import.meta.url));
const npm = fileURLToPath(new URL("../../npm", import.meta.url));

/** Runs a script to its end, as a module in `folder`. */
function run(
  script: string,
  { env = {}, args = [], folder = tests }: { env?: object; args?: string[]; folder?: string } = {},
) {
  const environment = { ...process.env, TENURE_BINDING: "", ...env };
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    [...args, "--input-type=module", "--eval", script],
    { cwd: folder, env: environment, encoding: "utf8", timeout: 20_000 },
  );
  return { status, signal, stdout: stdout.trim(), stderr: stderr.trim() };
}

const ok = (stdout: string) => ({ status: 0, signal: null, stdout, stderr: "" });

describe("Node", () => {
  it.each(["memory:", "sqlite", "wasm"])("exits normally with an idle handle over %s", (kind) => {
    const [url, durability] = kind === "sqlite" ? [`sqlite:${newDatabase()}`, "full"] : ["memory:"];
    const result = run(
      `import { open, openSync } from "tenure";
       const retention = { maxAge: "30d", every: "24h" };
       const sessions = await open(${JSON.stringify(url)}, {
         retention,
         durability: ${JSON.stringify(durability)},
       });
       sessions.on("lifecycle", () => {});
       const { id } = await sessions.start({ task: "t", mode: "m" });
       await sessions.complete(id);
       openSync(${JSON.stringify(url)}, { retention });
       console.log("end");`,
      { env: kind === "wasm" ? { TENURE_BINDING: "wasm" } : {} },
    );
    expect(result).toEqual(ok("end"));
  });

  it("waits for a pending call on a store's thread", () => {
    const result = run(
      `import { open } from "tenure";
       const sessions = await open(${JSON.stringify(`sqlite:${newDatabase()}`)}, { durability: "full" });
       await sessions.start({ task: "t", mode: "m", id: "a" });
       const calls = Array.from({ length: 50 }, () => sessions.addEvent("a", "note"));
       const last = (await Promise.all(calls)).at(-1);
       sessions.addEvent("a", "last").then(({ firstSequence }) => console.log(firstSequence));`,
    );
    expect(result).toEqual(ok("52"));
  });

  it("waits for a JavaScript store until the timeout", () => {
    const result = run(
      `import { open } from "tenure";
       const store = { load: () => new Promise(() => {}) };
       const sessions = await open(store, { timeoutMs: 100 });
       try { await sessions.get("a"); } catch ({ code }) { console.log(code); }`,
    );
    expect(result).toEqual(ok("STORE_TIMEOUT"));
  });

  it("garbage-collects dropped handles", () => {
    const result = run(
      `import { open, openSync } from "tenure";
       let closed = 0;
       const store = () => ({ load: () => null, close: () => { closed += 1; } });
       await (async () => {
         for (let i = 0; i < 20; i += 1) {
           const one = openSync(store());
           one.on("lifecycle", () => {});
           one.get("a");
           const other = await open(store(), { retention: { maxAge: "1d", every: "1h" } });
           await other.get("a");
         }
       })();
       for (let i = 0; i < 50 && closed < 40; i += 1) {
         globalThis.gc();
         await new Promise((go) => setTimeout(go, 20));
       }
       console.log(closed >= 38 ? "closed" : closed);`,
      { args: ["--expose-gc"] },
    );
    expect(result).toEqual(ok("closed"));
  });

  it("garbage-collects dropped handles that deliver webhooks", () => {
    const result = run(
      `import { open } from "tenure";
       const handles = [];
       await (async () => {
         for (let i = 0; i < 10; i += 1) {
           handles.push(new WeakRef(await open("memory:", { deliver: true })));
         }
       })();
       for (let i = 0; i < 10; i += 1) {
         globalThis.gc();
         await new Promise((go) => setTimeout(go, 20));
       }
       console.log(handles.filter((handle) => handle.deref() !== undefined).length);`,
      { args: ["--expose-gc"] },
    );
    expect(result).toEqual(ok("0"));
  });

  it("keeps a handle alive during a pending call", () => {
    const result = run(
      `import { open } from "tenure";
       let answer;
       const store = { load: () => new Promise((resolve) => { answer = resolve; }) };
       const pending = (async () => (await open(store)).get("a"))();
       for (let i = 0; i < 5; i += 1) {
         globalThis.gc();
         await new Promise((go) => setTimeout(go, 10));
       }
       answer(null);
       console.log(await pending);`,
      { args: ["--expose-gc"] },
    );
    expect(result).toEqual(ok("null"));
  });

  it("can use the package from several threads", () => {
    const result = run(
      `import { openSync } from "tenure";
       import { Worker } from "node:worker_threads";
       const url = ${JSON.stringify(`sqlite:${newDatabase()}`)};
       const sessions = openSync(url);
       sessions.start({ task: "t", mode: "m", id: "a" });
       const code = \`import("tenure").then(({ openSync }) => {
         const sessions = openSync(\${JSON.stringify(url)});
         for (let i = 0; i < 20; i += 1) sessions.addEvent("a", "note");
       })\`;
       const workers = [1, 2, 3].map(() => new Worker(code, { eval: true }));
       await Promise.all(workers.map((worker) => new Promise((go, fail) => {
         worker.on("exit", go);
         worker.on("error", fail);
       })));
       console.log(sessions.get("a").eventCount);`,
    );
    expect(result).toEqual(ok("61"));
  });

  it("loads the package with require", () => {
    const result = run(
      `import { createRequire } from "node:module";
       const require = createRequire(process.cwd() + "/");
       const { openSync } = require("tenure");
       const wasm = require("tenure/wasm");
       console.log(openSync("memory:").binding, wasm.openSync("memory:").binding);`,
    );
    expect(result).toEqual(ok("native wasm"));
  });
});

describe("the version", () => {
  it("is the same in the package, its code and its builds", () => {
    const { version } = JSON.parse(readFileSync(join(npm, "package.json"), "utf8"));
    const result = run(
      `import { VERSION } from "tenure";
       import { nativeBuild } from ${JSON.stringify(join(npm, "dist/builds/native-addon.js"))};
       import { wasmBuild } from ${JSON.stringify(join(npm, "dist/builds/wasm-file.js"))};
       const wasm = await import(${JSON.stringify(join(npm, "wasm/tenure_wasm.js"))});
       console.log(VERSION, nativeBuild().info.version, wasmBuild(() => wasm).info.version);`,
    );
    expect(result).toEqual(ok(`${version} ${version} ${version}`));
  });
});

describe("the choice of the build", () => {
  const bindingOf = `import { openSync } from "tenure";
    try { console.log(openSync("memory:").binding); } catch ({ code }) { console.log(code); }`;

  it.each([
    ["", "native"],
    ["native", "native"],
    ["wasm", "wasm"],
    ["both", "BINDING_UNAVAILABLE"],
  ])("with TENURE_BINDING=%s is %s", (binding, expected) => {
    expect(run(bindingOf, { env: { TENURE_BINDING: binding } })).toEqual(ok(expected));
  });

  it("of tenure/wasm is always WebAssembly, whose errors are the same", () => {
    const result = run(
      `import { open, isTenureError } from "tenure/wasm";
       const sessions = await open("memory:");
       console.log(sessions.binding);
       await sessions.get("../x").catch((error) => console.log(isTenureError(error), error.code));
       await open("sqlite:./x.db").catch((error) => console.log(error.code));`,
    );
    expect(result).toEqual(ok("wasm\ntrue INVALID_ID\nUNSUPPORTED_STORE"));
  });
});

describe("a platform without an addon", () => {
  let folder: string;

  beforeAll(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), "tenure-test-")));
    writeFileSync(join(folder, "package.json"), '{"private":true}');
    const target = join(folder, "node_modules", "tenure");
    for (const part of ["dist", "wasm", "package.json"]) {
      cpSync(join(npm, part), join(target, part), { recursive: true });
    }
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("uses WebAssembly, with one warning", () => {
    const result = run(
      `import { open, openSync } from "tenure";
       console.log((await open("memory:")).binding, openSync("memory:").binding);
       console.log(openSync({ load: () => null }).get("a"));`,
      { folder },
    );
    expect(result).toMatchObject({ status: 0, stdout: "wasm wasm\nnull" });
    expect(result.stderr.match(/TENURE_WASM_FALLBACK/g)).toHaveLength(1);
    expect(result.stderr).toContain(`no native addon for ${process.platform}-${process.arch}`);
  });

  it("reports which stores need the addon", () => {
    const result = run(
      `import { open } from "tenure";
       await open("sqlite:./x.db").catch(({ code, message }) => console.log(code, message));
       process.env.TENURE_BINDING = "native";
       await open("memory:").catch(({ code }) => console.log(code));`,
      { folder },
    );
    const [first, second] = result.stdout.split("\n");
    expect(first).toMatch(
      /^BINDING_UNAVAILABLE sqlite: needs the native addon: no native addon for \S+ was found: copy native\/\S+ of /,
    );
    expect(second).toBe("BINDING_UNAVAILABLE");
  });
});

// The README's example for a browser does in a browser what it says.

import * as tenure from "tenure";
import { expect, it } from "vitest";
import readme from "../../README.md?raw";
import { codeBlocks } from "../support/readme.js";

it("the example for a browser runs", async () => {
  const [, example = ""] = codeBlocks(readme, "js");
  // A text that is run has no imports of its own: what it imports is passed to it.
  const body = example.replace('import { open } from "tenure";', "");
  expect(body).not.toBe(example);
  const lines: string[] = [];
  const console = { log: (...said: unknown[]) => lines.push(said.join(" ")) };
  const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
  await AsyncFunction("open", "console", body)(tenure.open, console);
  expect(lines).toEqual([
    "start active",
    "complete completed",
    "Draft the notes: completed",
    "100",
  ]);
});

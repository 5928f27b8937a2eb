// The interface of a step to its runner: commands in its output, and files that are named in its
// environment.

/** An annotation of a run. */
export interface Annotation {
  readonly level: "notice" | "warning" | "error";
  readonly title: string;
  readonly message: string;
}

/** The annotations in the output of a step. */
export function annotationsIn(output: string): readonly Annotation[] {
  const found: Annotation[] = [];
  let resumesAt: string | undefined;
  for (const line of output.split(/\r?\n/)) {
    const command = line.trimStart();
    if (resumesAt !== undefined) {
      if (command === `::${resumesAt}::`) resumesAt = undefined;
      continue;
    }
    const [, name = "", properties = "", message = ""] =
      command.match(/^::([^\s:]+)(?:\s+(.*?))?::(.*)$/) ?? legacyCommand(line) ?? [];
    if (name === "stop-commands") resumesAt = message;
    if (name !== "notice" && name !== "warning" && name !== "error") {
      refuseHarm(name, line);
      continue;
    }
    const title = properties.match(/(?:^|,)title=([^,]*)/)?.[1] ?? "";
    found.push({ level: name, title: unescaped(title), message: unescaped(message) });
  }
  return found;
}

/** The older syntax, which a runner accepts anywhere in a line. */
function legacyCommand(line: string): RegExpMatchArray | null {
  return line.match(/##\[([^\s\]]+)(?:\s+([^\]]*))?\](.*)$/);
}

/** Commands that a runner would execute, but that no step here may print. */
function refuseHarm(name: string, line: string): void {
  const known = ["", "stop-commands", "add-mask", "group", "endgroup", "debug"];
  if (!known.includes(name)) throw new Error(`a step gives the runner a command: ${line}`);
}

const unescaped = (text: string): string =>
  text
    .replaceAll("%3A", ":")
    .replaceAll("%2C", ",")
    .replaceAll("%0D", "\r")
    .replaceAll("%0A", "\n")
    .replaceAll("%25", "%");

/** The values in a file such as the outputs: `name=value`, or `name<<END` and lines up to `END`. */
export function valuesIn(file: string): Record<string, string> {
  const values: Record<string, string> = {};
  const lines = file.split("\n");
  for (let line = lines.shift(); line !== undefined; line = lines.shift()) {
    if (line === "") continue;
    const [, name, mark, rest = ""] = line.match(/^([^=<]+)(=|<<)(.*)$/) ?? [];
    if (name === undefined) throw new Error(`a line of a file for the runner is no value: ${line}`);
    values[name] = mark === "=" ? rest : lines.splice(0, lines.indexOf(rest)).join("\n");
    if (mark === "<<") lines.shift();
  }
  return values;
}

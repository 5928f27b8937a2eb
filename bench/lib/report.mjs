// Prints results as tables on the terminal and as Markdown.

const useColour = process.stdout.isTTY === true && !process.env.NO_COLOR;
const dim = (text) => (useColour ? `\u001b[2m${text}\u001b[22m` : text);
const bold = (text) => (useColour ? `\u001b[1m${text}\u001b[22m` : text);

/** Formats a number of nanoseconds. */
export function time(nanoseconds) {
  if (!Number.isFinite(nanoseconds)) return "-";
  if (nanoseconds < 999.5) return `${digits(nanoseconds)} ns`;
  if (nanoseconds < 999.5e3) return `${digits(nanoseconds / 1e3)} µs`;
  if (nanoseconds < 999.5e6) return `${digits(nanoseconds / 1e6)} ms`;
  return `${digits(nanoseconds / 1e9)} s`;
}

/** Formats a ratio. */
export function times(ratio) {
  return Number.isFinite(ratio) ? `${ratio < 9.995 ? ratio.toFixed(2) : count(ratio)}x` : "";
}

/** Formats a whole number with thousands separators. */
export function count(number) {
  return Math.round(number).toLocaleString("en-US");
}

/** Formats a number of bytes. */
export function bytes(number) {
  if (number < 0) return `-${bytes(-number)}`;
  return number < 1e6 ? `${digits(number / 1024)} KiB` : `${digits(number / 1024 / 1024)} MiB`;
}

function digits(number) {
  if (number >= 99.95) return number.toFixed(0);
  return number >= 9.995 ? number.toFixed(1) : number.toFixed(2);
}

/**
 * A table. `rows` are `[name, ...cells]`, where a cell is a text, or `[text, ratio]` to show the
 * ratio as well.
 */
export function table(title, columns, rows) {
  return { title, columns, rows };
}

/** A table with one row for each column of another, whose columns are many. */
export function transposed({ title, columns, rows }) {
  const names = rows.map(([name]) => name);
  const lines = columns.map((name, column) => [name, ...rows.map((row) => row[column + 1])]);
  return table(title, names, lines);
}

/** A condition, and whether it holds. */
export function check(what, passed, detail) {
  return { what, passed, detail };
}

/**
 * The condition that no value is above `most`. `values` are `[name, number]`; `show` formats a number.
 * The detail is the highest one, and the names of all that are above.
 */
export function checkMost(what, most, values, show = times) {
  const [[name, highest]] = [...values].sort(([, a], [, b]) => b - a);
  const above = values.filter(([, value]) => !(value <= most));
  const detail = values.length === 1 ? show(highest) : `at most ${show(highest)} (${name})`;
  const failing = above.map(([name, value]) => `${name} ${show(value)}`).join(", ");
  return check(
    `${what}: at most ${show(most)}`,
    above.length === 0,
    above.length > 0 && values.length > 1
      ? `${above.length} of ${values.length} are above: ${failing}`
      : detail,
  );
}

/** Prints the tables and the conditions of a part. */
export function print({ tables, checks = [], notes = [] }) {
  for (const { title, columns, rows } of tables) {
    const cells = [["", ...columns], ...rows.map((row) => row.map(plain))];
    const widths = cells[0].map((_, column) =>
      Math.max(...cells.map((row) => (row[column] ?? "").length)),
    );
    console.log(`\n${bold(title)}`);
    cells.forEach((row, index) => {
      const line = row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]),
        )
        .join("   ")
        .trimEnd();
      console.log(index === 0 ? dim(line) : line);
    });
  }
  for (const note of notes) console.log(dim(note));
  for (const line of checks.map(checkLine)) console.log(line);
}

function checkLine({ what, passed, detail }) {
  return `${passed ? "pass" : "FAIL"}  ${what}: ${detail}`;
}

function plain(cell) {
  return Array.isArray(cell) ? `${cell[0]} ${cell[1].padStart(6)}` : cell;
}

/** A complete run as Markdown. */
export function markdown({ date, machine, versions, mode, parts }) {
  const lines = [
    `# Benchmark of ${date}`,
    "",
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB of memory, ${machine.os}, ` +
      `Node ${machine.node} (V8 ${machine.v8}), load ${machine.load} when it began.`,
    `${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(", ")}.`,
    "",
    `Written by \`npm run bench\`, ${mode}. Times are medians of many short rounds in which all rows of a`,
    "table took turns; ratios are medians of the ratios within those rounds.",
  ];
  for (const { tables, notes = [], checks = [] } of parts) {
    for (const { title, columns, rows } of tables) {
      lines.push("", `## ${title}`, "");
      lines.push(`| | ${columns.join(" | ")} |`, `|---|${columns.map(() => "---:|").join("")}`);
      for (const [name, ...cells] of rows) {
        const shown = cells.map((cell) =>
          Array.isArray(cell) ? `${cell[0]}${cell[1] && ` (${cell[1]})`}` : cell,
        );
        lines.push(`| ${name} | ${shown.join(" | ")} |`);
      }
    }
    for (const note of notes) lines.push("", note);
    if (checks.length > 0) lines.push("");
    for (const line of checks.map(checkLine)) lines.push(`- ${line}`);
  }
  return `${lines.join("\n")}\n`;
}

/** A share of one, in percent. */
export function percent(share) {
  return `${(share * 100).toFixed(1)} %`;
}

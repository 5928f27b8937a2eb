// The output of the demo: lines of at most 80 columns, with colour on a terminal.

const columns = 80;
const { env, stdout } = process;
const colourful = stdout.isTTY === true && !env.NO_COLOR && env.TERM !== "dumb";

/** @param {number} on @param {number} off */
const style = (on, off) => (/** @type {string} */ text) =>
  colourful ? `\x1b[${on}m${text}\x1b[${off}m` : text;

export const bold = style(1, 22);
export const dim = style(2, 22);
export const red = style(31, 39);
export const green = style(32, 39);
export const yellow = style(33, 39);
export const cyan = style(36, 39);

/** @param {string} text */
export function plain(text) {
  return text;
}

/** Prints a line, cut to the width. Colours are applied after cutting. */
export function print(text = "", paint = plain) {
  console.log(paint(fit(text, columns)));
}

/**
 * Prints a line of parts, each with its own colour. @param {[string, ((text: string) =>
 * string)?][]} parts
 */
export function printParts(...parts) {
  let left = columns;
  let line = "";
  for (const [text, paint = plain] of parts) {
    const cut = fit(text, left);
    left -= cut.length;
    line += paint(cut);
  }
  console.log(line);
}

/** Starts a section. @param {string} title @param {string} [note] */
export function section(title, note = "") {
  const rule = "─".repeat(Math.max(2, columns - title.length - note.length - (note ? 5 : 4)));
  console.log();
  printParts(["── ", dim], [title, bold], [` ${rule}${note && ` ${note}`}`, dim]);
}

/** Prints a value as JSON, indented. @param {unknown} value */
export function printJson(value) {
  for (const line of JSON.stringify(value, null, 2).split("\n")) print(`   ${line}`, dim);
}

/** Cuts a text to a width; a text that spans lines becomes one. @param {string} text @param {number} width */
export function fit(text, width) {
  const line = text.replace(/\s*\n\s*/g, " ");
  if (line.length <= width) return line;
  return width > 0 ? `${line.slice(0, width - 1)}…` : "";
}

/** Milliseconds as seconds. @param {number} ms */
export function seconds(ms) {
  return `${(ms / 1000).toFixed(2)} s`;
}

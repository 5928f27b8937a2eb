// Finds the crate from whose source a function of a WebAssembly module was compiled, by the name of
// the function. Names have the format of rustc's symbols as wasm-bindgen writes them, in which each
// crate is followed by its hash: `<tenure_core[d135a9472d0f2588]::error::Error as
// core[84191437197a5fe3]::fmt::Display>::fmt`.

/** The part for functions whose names contain no crate. */
const unnamed = "(exports, intrinsics)";

/** The crates of the standard library. */
const standard = new Set(["core", "alloc", "std"]);

const crate = /([A-Za-z_][A-Za-z0-9_]*)\[[0-9a-f]+\]::/g;

/**
 * The crate of a function: the crate of its path. For a method of a trait it is the crate of the
 * type, or of the trait if the type is of the language or the standard library. For the code that
 * drops a value it is the crate of the value's type.
 */
export function crateOf(name) {
  if (name === undefined) return unnamed;
  const dropped = /^core\[[0-9a-f]+\]::ptr::drop_(?:in_place|glue)::<(.*)>$/.exec(name)?.[1];
  const [type, rest] = splitImplementation(dropped ?? name);
  const first = cratesIn(type)[0];
  const implementedFor = dropped === undefined && rest !== "" && (!first || standard.has(first));
  const found = implementedFor ? (cratesIn(rest)[0] ?? first) : first;
  if (found !== undefined) return standard.has(found) ? "core, alloc, std" : found;
  return dropped === undefined ? unnamed : "core, alloc, std";
}

/** Whether a function belongs to a crate of Tenure, or was made for a type of one. */
export function mentionsOurs(name) {
  return cratesIn(name ?? "").some((found) => found.startsWith("tenure_"));
}

function cratesIn(text) {
  return [...text.matchAll(crate)].map((match) => match[1]);
}

/**
 * Splits `<A as B>::c` into A and the text after ` as `; any other name into itself and an empty
 * text.
 */
function splitImplementation(name) {
  if (!name.startsWith("<")) return [name, ""];
  let depth = 0;
  for (let at = 0; at < name.length; at++) {
    if (name[at] === "<") depth++;
    // The arrow in the type of a function is no bracket.
    else if (name[at] === ">" && name[at - 1] !== "-") depth--;
    if (depth === 0) break;
    if (depth === 1 && name.startsWith(" as ", at)) return [name.slice(1, at), name.slice(at + 4)];
  }
  return [name.slice(1), ""];
}

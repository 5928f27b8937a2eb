// Says from the name of a function in a WebAssembly module which crate's source it was compiled from. The
// names are those of rustc's symbols, as wasm-bindgen writes them out: each crate has its hash behind it,
// as in `<tenure_core[d135a9472d0f2588]::error::Error as core[84191437197a5fe3]::fmt::Display>::fmt`.

/** Where functions are counted whose names name no crate. */
const unnamed = "(exports, intrinsics)";

/** The standard library, which is what every crate's types are made with. */
const standard = new Set(["core", "alloc", "std"]);

const crate = /([A-Za-z_][A-Za-z0-9_]*)\[[0-9a-f]+\]::/g;

/**
 * The crate whose source a function is: that of the path it is at; for a method of a trait that of the
 * type, and of the trait where the type is of the language or the standard library; for the code that
 * drops a value that of the value's type.
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

/** Whether a function is of Tenure's crates or made for a type of theirs. */
export function mentionsOurs(name) {
  return cratesIn(name ?? "").some((found) => found.startsWith("tenure_"));
}

function cratesIn(text) {
  return [...text.matchAll(crate)].map((match) => match[1]);
}

/** `<A as B>::c` as A and what follows ` as `; anything else as it is, and nothing. */
function splitImplementation(name) {
  if (!name.startsWith("<")) return [name, ""];
  let depth = 0;
  for (let at = 0; at < name.length; at++) {
    if (name[at] === "<") depth++;
    // The arrow of a function's type closes nothing.
    else if (name[at] === ">" && name[at - 1] !== "-") depth--;
    if (depth === 0) break;
    if (depth === 1 && name.startsWith(" as ", at)) return [name.slice(1, at), name.slice(at + 4)];
  }
  return [name.slice(1), ""];
}

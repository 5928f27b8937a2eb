// Parses a WebAssembly module: its sections, and its functions with their names if the module has
// names.

const sectionNames = [
  "custom",
  "types",
  "imports",
  "function types",
  "tables",
  "memory",
  "globals",
  "exports",
  "start",
  "tables' contents",
  "code",
  "data",
  "data count",
];

const ids = { custom: 0, imports: 2, code: 10 };
const importedFunction = 0;
const functionNames = 1;

/**
 * The sections, each `{ name, content }`, and the functions, each `{ name, body }`. The name of a
 * function is `undefined` if the module has none. A custom section has its own name.
 */
export function readModule(module) {
  const reader = new Reader(module, 8, module.length);
  const sections = [];
  while (!reader.atEnd) {
    const id = reader.byte();
    const content = reader.part(reader.number());
    const name = id === ids.custom ? content.text() : (sectionNames[id] ?? `section ${id}`);
    sections.push({ id, name, content });
  }
  const named = (name) => sections.find((section) => section.name === name)?.content;
  const names = readNames(named("name"));
  const imported = countImportedFunctions(sections.find(({ id }) => id === ids.imports)?.content);
  const functions = readBodies(sections.find(({ id }) => id === ids.code)?.content).map(
    (body, index) => ({ name: names.get(imported + index), body }),
  );
  return {
    sections: sections.map(({ name, content }) => ({ name, content: content.bytes() })),
    functions,
  };
}

function readNames(section) {
  const names = new Map();
  while (section && !section.atEnd) {
    const kind = section.byte();
    const part = section.part(section.number());
    if (kind !== functionNames) continue;
    for (let left = part.number(); left > 0; left--) names.set(part.number(), part.text());
  }
  return names;
}

/** The numbers of functions start with the imported functions. */
function countImportedFunctions(section) {
  let count = 0;
  for (let left = section?.number() ?? 0; left > 0; left--) {
    section.text();
    section.text();
    // The bindings import functions only; memory and tables belong to the module.
    const kind = section.byte();
    if (kind !== importedFunction) throw new Error(`an import of kind ${kind} is not expected`);
    section.number();
    count++;
  }
  return count;
}

function readBodies(section) {
  const bodies = [];
  for (let left = section?.number() ?? 0; left > 0; left--)
    bodies.push(section.part(section.number()).bytes());
  return bodies;
}

/** A part of a module, which is read from start to end. */
class Reader {
  #module;
  #position;
  #start;
  #end;

  constructor(module, start, end) {
    this.#module = module;
    this.#start = start;
    this.#position = start;
    this.#end = end;
  }

  get atEnd() {
    return this.#position >= this.#end;
  }

  /** The complete content, whatever was read of it. */
  bytes() {
    return this.#module.subarray(this.#start, this.#end);
  }

  byte() {
    return this.#module[this.#position++];
  }

  /** An unsigned number in LEB128. */
  number() {
    let value = 0;
    let factor = 1;
    let byte;
    do {
      byte = this.byte();
      value += (byte & 0x7f) * factor;
      factor *= 0x80;
    } while (byte & 0x80);
    return value;
  }

  text() {
    return this.part(this.number()).bytes().toString("utf8");
  }

  /** The next bytes, as a separate part. */
  part(length) {
    const start = this.#position;
    this.#position += length;
    return new Reader(this.#module, start, this.#position);
  }
}

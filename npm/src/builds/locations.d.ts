// The modules `#files/*`, which the build writes: where the files of the package are that are no code.
// Each location is a literal path, because bundlers and file tracers take along only such files.

/** The locations of files, by their names. Some bundlers make a path of the URL. */
export const locations: Readonly<Record<string, () => URL | string>>;

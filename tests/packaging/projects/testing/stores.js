// A store that keeps nothing: some cases hold of it all the same.

export const forgetful = {
  load: () => undefined,
  commit: () => ({ kind: "applied" }),
  list: () => ({ all: [] }),
  record: () => undefined,
  scan: () => [],
};

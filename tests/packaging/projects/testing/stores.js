// A store that stores nothing. Some cases pass for it nevertheless.

export const forgetful = {
  load: () => undefined,
  commit: () => ({ kind: "applied" }),
  list: () => ({ all: [] }),
  record: () => undefined,
  scan: () => [],
};

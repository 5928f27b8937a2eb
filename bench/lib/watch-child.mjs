// A process that watches a SQLite store. It reports the moment at which it has seen each change, and on
// request the processor time that it has used.

import { open } from "../../npm/dist/entry/node.js";

const [url] = process.argv.slice(2);
const sessions = await open(url);
const watch = sessions.watch({}, { keepAlive: true });
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send({ used: user + system });
});
process.send({ watching: true });
for await (const { position } of watch) {
  process.send({ position, seen: performance.timeOrigin + performance.now() });
}

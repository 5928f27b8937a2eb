// A process that opens a store, prints the number of a session's events, and closes the store.

import { openSync } from "tenure";

const [url, id] = process.argv.slice(2);
const sessions = openSync(url);
process.stdout.write(String(sessions.get(id)?.eventCount));
sessions.close();

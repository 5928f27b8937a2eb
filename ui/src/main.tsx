/**
 * The start of the page.
 *
 * @module
 */

import { render } from "preact";
import { App } from "./app.js";
import { isLocal } from "./connect.js";
import { registerWorker } from "./offline.js";
import { openStore } from "./store.js";

const page = document.querySelector("#page");
if (page === null) throw new Error("the page has no element for its content");
render(<App />, page);
void openStore();
// Without its server a page has no sessions to show.
if (isLocal) registerWorker();

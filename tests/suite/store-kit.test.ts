// A store that a user would write in an afternoon passes the conformance kit, whether it answers at
// once or later.

import { describeStore } from "tenure/testing";
import { later, MapStore } from "../support/map-store.js";

describeStore("a store that answers at once", () => new MapStore());

describeStore("a store that answers later", () => later(new MapStore()));

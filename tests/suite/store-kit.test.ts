// A minimal JavaScript store passes the conformance kit, synchronously and asynchronously.

import { describeStore } from "tenure/testing";
import { asynchronous, MapStore } from "../support/map-store.js";

describeStore("a synchronous store", () => new MapStore());

describeStore("an asynchronous store", () => asynchronous(new MapStore()));

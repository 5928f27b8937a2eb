import { describeStore } from "tenure/testing";
import { forgetful } from "./stores.js";

describeStore("a store that keeps nothing", () => forgetful, { only: ["history", "handles"] });

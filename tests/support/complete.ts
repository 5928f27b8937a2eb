// Loads the complete module in browsers, which has copying and the other applications. Node has them in
// every build. A test imports this file before any other that loads the browser's own module.

import { init } from "tenure";
import complete from "tenure/wasm/tenure_complete_bg.wasm?url";

if (__BUILD__ === "browser") {
  const load = init as (options: { module: URL }) => Promise<void>;
  await load({ module: new URL(complete, location.href) });
}

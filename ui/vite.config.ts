// Builds the page into `dist`: a folder that any file server serves as it is, for sessions in IndexedDB. A server
// of sessions serves it with `server.html` as its index. In the mode `served` only that is built.

import { defineConfig, type Plugin } from "vite";

/**
 * Writes `server.html`, the page that a server serves, which names the server as its store, and `files.json`,
 * the list of what the service worker stores for use without a network.
 */
const otherFiles = (servedOnly: boolean): Plugin => ({
  name: "other-files",
  apply: "build",
  enforce: "post",
  generateBundle(_, bundle) {
    const index = bundle["index.html"];
    if (index?.type !== "asset") throw new Error("there is no index.html");
    const page = index.source.toString();
    const served = page.replace('content="indexeddb:tenure"', 'content="server"');
    if (served === page) throw new Error("index.html does not name its store");
    this.emitFile({ type: "asset", fileName: "server.html", source: served });
    if (servedOnly) {
      delete bundle["index.html"];
      return;
    }
    // A page over IndexedDB does not load the browser's module.
    const files = Object.keys(bundle).filter((file) => /^assets\/(?!tenure_wasm_bg)/.test(file));
    this.emitFile({
      type: "asset",
      fileName: "files.json",
      source: JSON.stringify([...files, "icon.svg", "manifest.webmanifest"].sort()),
    });
  },
});

/** Leaves out the complete module, which only the page over IndexedDB loads. */
const withoutCompleteModule = (): Plugin => ({
  name: "without-complete-module",
  enforce: "pre",
  resolveId: (id) => (/tenure_complete_bg\.wasm\?url$/.test(id) ? "\0complete" : null),
  load: (id) => (id === "\0complete" ? 'export default ""' : null),
});

export default defineConfig(({ mode }) => ({
  base: "./",
  plugins: [otherFiles(mode === "served"), ...(mode === "served" ? [withoutCompleteModule()] : [])],
  build: {
    target: "es2022",
    // Browsers that have WebAssembly preload modules, and a data: URL would need an exception in the policy.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rollupOptions: {
      input: { index: "index.html", "service-worker": "src/service-worker.ts" },
      output: {
        entryFileNames: ({ name }) =>
          name === "service-worker" ? "service-worker.js" : "assets/[name]-[hash].js",
      },
    },
  },
}));

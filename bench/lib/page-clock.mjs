// A clock within a page of the web UI: when it has shown something, and how long it was in the core. What
// it measures it adds from outside; the page itself only marks when its store is open and loaded.

/**
 * Installs the clock as the global `clock`. It is sent to the page as text, before the scripts of the page
 * run, so that it uses nothing outside of itself.
 */
export function installClock() {
  const now = () => performance.now();
  const clock = { core: 0, requests: 0, keys: [] };
  globalThis.clock = clock;

  // The calls of the core's WebAssembly.
  let isInCore = false;
  const timed = (call) => {
    return (...args) => {
      if (isInCore) return call(...args);
      const began = now();
      isInCore = true;
      try {
        return call(...args);
      } finally {
        isInCore = false;
        clock.core += now() - began;
      }
    };
  };
  const instantiate = WebAssembly.instantiateStreaming;
  WebAssembly.instantiateStreaming = async (...args) => {
    const { instance, module } = await instantiate(...args);
    const exports = Object.entries(instance.exports).map(([name, value]) => [
      name,
      typeof value === "function" ? timed(value) : value,
    ]);
    return { instance: { exports: Object.fromEntries(exports) }, module };
  };

  // The requests of heads, from the first byte that is sent to the last that is received.
  const fetching = globalThis.fetch;
  globalThis.fetch = async (...args) => {
    const began = now();
    const response = await fetching(...args);
    if (String(args[0]).endsWith("/v1/heads")) {
      for (const name of ["text", "arrayBuffer"]) {
        const receive = response[name].bind(response);
        response[name] = async () => {
          const received = await receive();
          clock.requests += now() - began;
          return received;
        };
      }
    }
    return response;
  };

  /** The time after the next frame. */
  clock.frame = () =>
    new Promise((resolve) => {
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => resolve(now());
        port2.postMessage(undefined);
      });
    });

  /** Waits until `find` finds something in the document. */
  const found = (find) =>
    new Promise((resolve) => {
      const look = () => {
        if (!find()) return false;
        observer.disconnect();
        resolve(now());
        return true;
      };
      const observer = new MutationObserver(look);
      if (!look()) {
        observer.observe(document, { childList: true, subtree: true, characterData: true });
      }
    });
  const firstRow = found(() => document.querySelector(".canvas > .row"));
  const shown = firstRow.then(async (inDocument) => {
    const { core, requests } = clock;
    return { inDocument, row: await clock.frame(), core, requests };
  });

  /** When a mark of the page was made; it waits for it. */
  const marked = (name) =>
    new Promise((resolve) => {
      const look = (list) => {
        const mark = list.getEntriesByName(name)[0];
        if (mark !== undefined) resolve(mark.startTime);
      };
      new PerformanceObserver(look).observe({ type: "mark", buffered: true });
    });

  /** The first row: when it was in the document, and when its frame was painted. */
  clock.opened = async () => {
    const navigation = performance.getEntriesByType("navigation")[0];
    return { ...(await shown), open: await marked("tenure:open"), html: navigation.responseEnd };
  };

  /** When all sessions are loaded and in the list, and the time in the core until then. */
  clock.loaded = async () => {
    const loaded = await marked("tenure:loaded");
    await found(() => document.querySelector(".list-bar .quiet"));
    return { loaded, listed: await clock.frame(), core: clock.core, requests: clock.requests };
  };

  /** When all heads have been read, which the page does while it is idle. */
  clock.read = () => marked("tenure:read");

  /** When a text is in a row and painted, in milliseconds since 1970. */
  clock.shows = async (text) => {
    await found(() =>
      [...document.querySelectorAll(".canvas > .row")].some((row) =>
        row.textContent.includes(text),
      ),
    );
    return performance.timeOrigin + (await clock.frame());
  };

  /** Scrolls the list for some time, a part of the window a frame. */
  clock.scroll = async (ms) => {
    const scroller = document.querySelector(".scroller");
    const began = await new Promise(requestAnimationFrame);
    const core = clock.core;
    let [last, longest, frames] = [began, 0, 0];
    while (last - began < ms) {
      scroller.scrollTop += scroller.clientHeight / 8;
      const next = await new Promise(requestAnimationFrame);
      longest = Math.max(longest, next - last);
      last = next;
      frames += 1;
    }
    return { ms: last - began, frames, longest, core: clock.core - core };
  };

  // A key, the frame after it, and the frame after its text was applied to the list.
  addEventListener(
    "keydown",
    async ({ timeStamp }) => {
      const key = { at: timeStamp };
      clock.keys.push(key);
      key.frame = (await clock.frame()) - timeStamp;
    },
    { capture: true },
  );
  const replace = history.replaceState.bind(history);
  history.replaceState = (...args) => {
    const key = clock.keys.at(-1);
    const applied = now();
    const { core } = clock;
    replace(...args);
    if (key === undefined) return;
    void clock.frame().then((at) => {
      key.list = at - key.at;
      key.work = at - applied;
      key.core = clock.core - core;
    });
  };

  /** The files of the page: their bytes as they are sent, and as they are. */
  clock.weight = () =>
    [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
      .map(({ name, encodedBodySize, decodedBodySize }) => ({
        name: new URL(name).pathname,
        sent: encodedBodySize,
        size: decodedBodySize,
      }))
      .filter(({ name }) => !name.startsWith("/v1"));
}

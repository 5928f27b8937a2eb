/**
 * The page: its head, and the view that the address names.
 *
 * @module
 */

import { useEffect, useRef, useState } from "preact/hooks";
import { isTenureError } from "tenure";
import { FilesView } from "./files/view.js";
import { count } from "./format.js";
import { Help } from "./help.js";
import { OverviewView } from "./overview/view.js";
import { Empty } from "./parts/empty.js";
import { useKeys } from "./parts/keyboard.js";
import { messageOf, Problem } from "./parts/problem.js";
import { Toasts, undoLast } from "./parts/toast.js";
import { goTo, linkTo, route } from "./route.js";
import { SessionView } from "./session/view.js";
import { FirstRows } from "./sessions/first-rows.js";
import { SessionsView } from "./sessions/view.js";
import { StartDialog } from "./start/dialog.js";
import { followError, isWritable, openStore, store } from "./store.js";
import { AuditView } from "./tables/audit.js";
import { LeasesView } from "./tables/leases.js";
import { MachinesView } from "./tables/machines.js";
import { RunsView } from "./tables/runs.js";
import { SlotsView } from "./tables/slots.js";
import { inLine } from "./text.js";
import { nextTheme, theme } from "./theme.js";

/** The views, in the order of the head. */
const VIEWS: readonly (readonly [string, string, () => preact.JSX.Element])[] = [
  ["overview", "Overview", () => <OverviewView />],
  ["sessions", "Sessions", () => <SessionsView />],
  ["slots", "Slots", () => <SlotsView />],
  ["leases", "Leases", () => <LeasesView />],
  ["machines", "Machines", () => <MachinesView />],
  ["runs", "Runs", () => <RunsView />],
  ["audit", "Audit", () => <AuditView />],
  ["files", "Files", () => <FilesView />],
];

/** The page. */
export function App() {
  const [dialog, setDialog] = useState<"help" | "start" | undefined>(undefined);
  useKeys({
    "?": () => setDialog("help"),
    n: () => isWritable.value && setDialog("start"),
    u: () => undoLast(),
    "g o": () => goTo(linkTo(["overview"])),
    "g s": () => goTo(linkTo(["sessions"])),
    "g l": () => goTo(linkTo(["slots"])),
  });
  const [name = "sessions"] = route.value.path;
  const nav = useRef<HTMLElement>(null);
  // In a narrow window the links scroll.
  useEffect(() => {
    nav.current
      ?.querySelector("[aria-current]")
      ?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [name]);
  useEffect(() => {
    // A session sets its own.
    if (name === "session") return;
    const view = VIEWS.find(([key]) => key === name);
    document.title = `${view?.[1] ?? "Not found"} · Tenure`;
  }, [name]);
  return (
    <>
      <button type="button" class="skip" onClick={focusView}>
        Skip to the content
      </button>
      <header class="head">
        <a class="brand" href={linkTo(["sessions"])}>
          Tenure
        </a>
        <nav class="nav" aria-label="Main" ref={nav}>
          {VIEWS.map(([key, label]) => (
            <a
              key={key}
              href={linkTo([key])}
              aria-current={
                key === name || (key === "sessions" && name === "session") ? "page" : undefined
              }
            >
              {label}
            </a>
          ))}
        </nav>
        <div class="head-tools">
          <StoreName />
          <Start onStart={() => setDialog("start")} />
          <button type="button" class="quiet" onClick={nextTheme} title="Change the theme">
            Theme: {theme.value}
          </button>
          <button
            type="button"
            class="quiet icon"
            aria-label="Keys"
            title="Keys (?)"
            onClick={() => setDialog("help")}
          >
            ?
          </button>
        </div>
      </header>
      <div id="view" tabIndex={-1}>
        <View />
      </div>
      <Toasts />
      {dialog === "help" && <Help onClose={() => setDialog(undefined)} />}
      {dialog === "start" && <StartDialog onClose={() => setDialog(undefined)} />}
    </>
  );
}

function focusView(): void {
  document.querySelector<HTMLElement>("#view")?.focus();
}

/** The button that starts a session, or the reason why there is none. */
function Start({ onStart }: { readonly onStart: () => void }) {
  const state = store.value;
  if (state.kind === "open" && state.isReadOnly) {
    return (
      <span class="tag" title="The server refuses everything that writes">
        read-only
      </span>
    );
  }
  return (
    <button type="button" disabled={!isWritable.value} onClick={onStart}>
      Start
    </button>
  );
}

function StoreName() {
  const state = store.value;
  if (state.kind !== "open") return null;
  const error = followError.value;
  return (
    <span
      class="store-name"
      title={error === undefined ? "The page follows this store" : messageOf(error)}
    >
      <span class={error === undefined ? "live" : "live live-off"} aria-hidden="true" />
      {inLine(state.name, 40)}
      {error !== undefined && (
        <>
          {" "}
          (away){" "}
          <button type="button" onClick={() => void openStore()}>
            Try again
          </button>
        </>
      )}
    </span>
  );
}

function View() {
  const state = store.value;
  const [name = "sessions", id] = route.value.path;
  if (state.kind === "loading") {
    if (name === "sessions" && state.sessions !== undefined) {
      return <FirstRows sessions={state.sessions} loaded={state.loaded} />;
    }
    return (
      <main class="view">
        <h1 class="unseen">Tenure</h1>
        <p class="faint loading" role="status">
          {state.loaded === 0 ? "Loading" : `Loading: ${count(state.loaded)} sessions`}
        </p>
      </main>
    );
  }
  if (state.kind === "failed") {
    return (
      <main class="view">
        <h1 class="unseen">Tenure</h1>
        <Problem error={state.error} retry={() => void openStore()} forUsers />
        {isTenureError(state.error, "UNAUTHORIZED") && (
          <p class="faint">
            A server that is started again without a token of its own has a new one: open the
            address that it has printed. With <code>--token-file FILE</code> it keeps its token.
          </p>
        )}
      </main>
    );
  }
  if ((name === "session" || name === "sessions") && id !== undefined) {
    return <SessionView key={id} id={id} />;
  }
  const view = VIEWS.find(([key]) => key === name);
  if (view !== undefined) return view[2]();
  return (
    <main class="view">
      <h1 class="unseen">Tenure</h1>
      <Empty title="There is no such view">
        <p>
          <a href={linkTo(["sessions"])}>Show the sessions</a>
        </p>
      </Empty>
    </main>
  );
}

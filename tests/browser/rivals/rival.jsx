// The rivals: convex-helpers' SessionProvider in a page, doing what the tests' `contenders.py` asks of it.
// The ID that a call carries is decided by convex-helpers' own hooks; only the wire is ours: HTTP in place of the WebSocket.
// ?storage=local  usehooks-ts' useLocalStorage instead of the default, sessionStorage
// ?ssr            as on a page that a server renders: nothing is read from the storage before the first render
// ?ssr=early      the same, but useLocalStorage is left to read it at once

import { useLayoutEffect } from "react";
import { createRoot } from "react-dom/client";
import { ConvexHttpClient } from "convex/browser";
import { ConvexProvider, ConvexReactClient } from "convex/react";
import { anyApi as api } from "convex/server";
import { SessionProvider, useSessionId, useSessionMutation } from "convex-helpers/react/sessions";
import { useLocalStorage } from "usehooks-ts";

class OverHttp extends ConvexReactClient {
  http = new ConvexHttpClient(location.origin, { skipConvexDeploymentUrlCheck: true });

  mutation(reference, args) {
    return this.http.mutation(reference, args);
  }
}

const asked = new URLSearchParams(location.search);
const ssr = asked.has("ssr");
const useLateLocalStorage = (key, initial) => useLocalStorage(key, initial, { initializeWithValue: false });
const useLocal = ssr && asked.get("ssr") !== "early" ? useLateLocalStorage : useLocalStorage;
const useStorage = asked.get("storage") === "local" ? useLocal : undefined;
const client = new OverHttp(location.origin, { skipConvexDeploymentUrlCheck: true });
const holds = {};

/** By storage key: what a component's handlers have at hand after its last render. */
const latest = {};

/** What the session under this key offers now, or the error for want of which there is nothing. */
function hooks(key) {
  if (!latest[key] || latest[key].broken) throw latest[key]?.broken ?? new Error("there is no session yet");
  return latest[key];
}

function Component({ storageKey, rendered }) {
  const [, refresh] = useSessionId();
  const add = useSessionMutation(api.notes.add);
  const move = useSessionMutation(api.notes.move);
  useLayoutEffect(() => {
    latest[storageKey] = { add, move, refresh };
    rendered();
  });
}

const moving = (move) => (fresh) => move({ new: fresh });

window.rival = {
  /** Renders a provider under this key; settles when its children are there, or with what made React give up. */
  start: (key) =>
    new Promise((rendered, failed) => {
      const onUncaughtError = (broken) => {
        latest[key] = { broken };
        failed(broken);
      };
      createRoot(document.createElement("div"), { onUncaughtError }).render(
        <ConvexProvider client={client}>
          <SessionProvider storageKey={key} useStorage={useStorage} ssrFriendly={ssr}>
            <Component storageKey={key} rendered={rendered} />
          </SessionProvider>
        </ConvexProvider>,
      );
    }),

  add: async (key) => hooks(key).add({ text: "a note" }),

  arrive: async (key) => {
    await rival.start(key);
    return rival.add(key);
  },

  /** Refreshes, moving the notes. */
  login: async (key) => {
    const { move, refresh } = hooks(key);
    await refresh(moving(move));
  },

  /** Two at once. */
  logins: (key) => Promise.all([rival.login(key), rival.login(key)]),

  /** A handler that refreshes and then calls, with the functions of one render, as every handler has them. */
  handler: async (key) => {
    const { add, move, refresh } = hooks(key);
    await refresh(moving(move));
    return add({ text: "a note" });
  },

  /** A login whose callback is not done before `release`. */
  held: async (key) => {
    const { move, refresh } = hooks(key);
    const held = new Promise((release) => (holds[key] = release));
    await refresh(async (fresh) => {
      await move({ new: fresh });
      await held;
    });
  },

  release: async (key) => holds[key](),

  /** A refresh whose callback never returns. */
  endless: async (key) => void (await hooks(key).refresh(() => new Promise(() => {}))),
};

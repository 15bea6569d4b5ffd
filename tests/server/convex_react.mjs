// Convex's React client and convex-helpers' sessions against a server: node convex_react.mjs ADDRESS.
import assert from "node:assert/strict";
import { inspect } from "node:util";
import { createElement as h, Component, useLayoutEffect } from "react";
import { create } from "react-test-renderer";
import {
  ConvexProvider,
  ConvexReactClient,
  insertAtTop,
  useConvexConnectionState,
  usePaginatedQuery,
  useQueries,
  useQuery,
} from "convex/react";
import { anyApi } from "convex/server";
import { ConvexError } from "convex/values";
import {
  ConvexReactSessionClient,
  SessionProvider,
  useSessionAction,
  useSessionId,
  useSessionMutation,
  useSessionPaginatedQuery,
  useSessionQuery,
} from "convex-helpers/react/sessions";
import WebSocket from "ws";
import { ask, end } from "./asking.mjs";

const warnings = [];
const logger = { logVerbose() {}, log() {}, warn: (...said) => warnings.push(said.join(" ")), error() {} };

/** All modifications of query sets that were sent, with what they ask of pages. */
const asked = [];
class Recorded extends WebSocket {
  send(text) {
    for (const each of JSON.parse(text).modifications ?? []) asked.push({ ...each.args?.[0].paginationOpts, ...each });
    super.send(text);
  }
}

const options = { webSocketConstructor: Recorded, skipConvexDeploymentUrlCheck: true, logger, unsavedChangesWarning: false };
const { cart, notes } = anyApi;

const stored = new Map();
globalThis.sessionStorage = { getItem: (key) => stored.get(key) ?? null, setItem: (key, value) => stored.set(key, value) };

class Boundary extends Component {
  state = {};
  static getDerivedStateFromError = (error) => ({ error });
  componentDidCatch = (error) => this.props.onError(error);
  render = () => (this.state.error ? null : this.props.children);
}

/** A tab: `hooks` in a component of its own, under a session; `shown` is what they gave, render by render. */
class Tab {
  client = new ConvexReactClient(process.argv[2], options);
  shown = [];
  waiting = [];

  constructor(hooks, provider = {}) {
    const show = (value) => this.show(value);
    const Page = () => {
      const value = hooks();
      useLayoutEffect(() => show(value));
      return null;
    };
    create(
      h(ConvexProvider, { client: this.client }, h(Boundary, { onError: show }, h(SessionProvider, provider, h(Page)))),
    );
  }

  get now() {
    return this.shown.at(-1);
  }

  show(value) {
    this.shown.push(value);
    this.waiting = this.waiting.filter(({ is, resolve }) => !(is(value) && (resolve(), true)));
  }

  async until(is) {
    if (!this.shown.length || !is(this.now)) {
      const shown = new Promise((resolve) => this.waiting.push({ is, resolve }));
      const late = setTimeout(() => assert.fail(`${is} is still ${inspect(this.now)}`), 20_000);
      await shown;
      clearTimeout(late);
    }
    return this.now;
  }
}

const equals = (value) => (other) => JSON.stringify(value) === JSON.stringify(other);
const failsWith = (data) => (error) => {
  assert(error instanceof ConvexError);
  assert.deepStrictEqual(error.data, data);
  return true;
};

function Cart() {
  const [id, refresh] = useSessionId();
  return {
    id,
    refresh,
    names: useSessionQuery(cart.get),
    everybody: useQuery(cart.count),
    skipped: useSessionQuery(cart.get, "skip"),
    add: useSessionMutation(cart.add),
    refuse: useSessionMutation(cart.refuse),
    move: useSessionMutation(cart.move),
    act: useSessionAction(cart.act),
  };
}

const holds =
  (...names) =>
  (tab) =>
    equals(names)(tab.names);

// A session's cart: in both of its tabs, and nobody else's.
const [here, there, stranger] = ["a", "a", "b"].map((storageKey) => new Tab(Cart, { storageKey }));
await Promise.all([here, there, stranger].map((tab) => tab.until(holds())));
assert.equal(here.now.id, there.now.id);
assert.notEqual(here.now.id, stranger.now.id);
assert.equal(await here.now.add({ name: "tea" }), 1);
assert.deepStrictEqual(here.client.watchQuery(cart.get, { sessionId: here.now.id }).localQueryResult(), ["tea"]);
await Promise.all([here, there].map((tab) => tab.until(holds("tea"))));
await stranger.until((tab) => tab.everybody === 1);
assert.deepStrictEqual([stranger.now.names, stranger.now.skipped], [[], undefined]);
await stranger.now.add({ name: "rice" });
await here.until((tab) => tab.everybody === 2);
assert.equal(await here.now.act({ name: "milk" }), 2);
await Promise.all([here, there].map((tab) => tab.until(holds("tea", "milk"))));

// Optimistic updates: shown at once, here only, until the server's answer is; and taken back when it refuses.
const guess = (store, { name, sessionId }) => {
  store.setQuery(cart.get, { sessionId }, [...store.getQuery(cart.get, { sessionId }), `${name}?`]);
};
/** What `pick` picked from what a tab has shown since a render, without repetitions. */
const changes = (tab, from, pick) =>
  tab.shown
    .slice(from)
    .map(pick)
    .filter((value, index, all) => value !== all[index - 1]);
/** Calls while no answer arrives, and lets it arrive once the tab shows what it should. */
async function guessing(call, tab, is) {
  await ask("hold");
  const answer = call();
  answer.catch(() => {});
  await tab.until(is);
  await ask("release");
  return answer;
}
const last = ({ names }) => names.at(-1);
const [from, other] = [here, there].map((tab) => tab.shown.length - 1);
const salt = () => here.now.add.withOptimisticUpdate(guess)({ name: "salt" });
assert.equal(await guessing(salt, here, holds("tea", "milk", "salt?")), 3);
await Promise.all([here, there].map((tab) => tab.until(holds("tea", "milk", "salt"))));
assert.deepStrictEqual(changes(here, from, last), ["milk", "salt?", "salt"]);
assert.deepStrictEqual(changes(there, other, last), ["milk", "salt"]);
const gold = () => here.now.refuse.withOptimisticUpdate(guess)({ name: "gold" });
const refused = guessing(gold, here, holds("tea", "milk", "salt", "gold?"));
await assert.rejects(refused, failsWith({ name: "gold", left: 0n }));
await here.until(holds("tea", "milk", "salt"));
assert.deepStrictEqual(changes(here, from, last), ["milk", "salt?", "salt", "gold?", "salt"]);

// A refresh that takes the cart along; the other tab keeps the old ID, as convex-helpers has it.
const old = here.now.id;
await here.now.refresh((fresh) => here.now.move({ to: fresh }));
await here.until((tab) => tab.id !== old && holds("tea", "milk", "salt")(tab));
await there.until(holds());

// Without a session in the first render, and as a client without React.
const late = new Tab(Cart, { storageKey: "late", ssrFriendly: true });
assert.equal(await (await late.until(() => true)).add({ name: "jam" }), 1);
await late.until(holds("jam"));
assert.equal(late.shown[0].id, undefined);
const plain = new ConvexReactSessionClient(process.argv[2], { ...options, sessionId: late.now.id });
assert.deepStrictEqual(await plain.sessionQuery(cart.get), ["jam"]);
assert.equal(await plain.sessionMutation(cart.add, { name: "figs" }), 2);
await late.until(holds("jam", "figs"));

// Errors: with their data, one query's for itself; and to the boundary.
const queries = { good: { query: cart.count, args: {} }, nothing: { query: cart.nothing, args: {} } };
for (const how of ["data", "text", "value"]) queries[how] = { query: cart.fail, args: { how } };
const several = new Tab(() => useQueries(queries));
await several.until((all) => Object.values(all).every((each) => each !== undefined));
const { good, data, text, value, nothing } = several.now;
assert.equal(good, 6);
assert(failsWith({ n: 1n, why: ["sold", "out"] })(data) && failsWith("Sold out.")(text));
for (const error of [value, nothing]) assert(error instanceof Error && !(error instanceof ConvexError), `${error}`);
assert.match(value.message, /\[Request ID: [0-9a-f]{16}\] Server Error/);
const broken = new Tab(() => useQuery(cart.fail, { how: "data" }));
failsWith({ n: 1n, why: ["sold", "out"] })(await broken.until((shown) => shown instanceof Error));

// Pages: the newest first. Two at a time, with no gap and nothing twice, whatever is added.
const numbers = ({ results }) => results.map(({ n }) => n);
const List = () => ({
  ...usePaginatedQuery(notes.list, {}, { initialNumItems: 2 }),
  add: useSessionMutation(notes.add),
  connection: useConvexConnectionState(),
});
const shows =
  (status, ...wanted) =>
  (tab) =>
    tab.status === status && equals(wanted)(numbers(tab));
const list = new Tab(List);
const writer = new ConvexReactClient(process.argv[2], options);
await list.until(shows("Exhausted"));
assert.equal(list.shown[0].status, "LoadingFirstPage");
for (let n = 0; n < 6; n++) await writer.mutation(notes.add, { n });
await list.until(shows("Exhausted", 5, 4, 3, 2, 1, 0));
// It has grown beyond twice two, and been split.
const halves = () => asked.filter(({ endCursor }) => endCursor);
await list.until(() => halves().length === 2);
assert.equal(halves()[0].endCursor, halves()[1].cursor);

const next = new Tab(List);
await next.until(shows("CanLoadMore", 5, 4));
next.now.loadMore(3);
await next.until(shows("CanLoadMore", 5, 4, 3, 2, 1));
// A page that is shown ends where it ended, also on another connection: its journal comes back with it.
await writer.mutation(notes.add, { n: 6 });
await next.until(shows("CanLoadMore", 6, 5, 4, 3, 2, 1));
await ask('cut "QueryUpdated"');
await writer.mutation(notes.add, { n: 7 });
await Promise.all([list.until(shows("Exhausted", 7, 6, 5, 4, 3, 2, 1, 0)), next.until(shows("CanLoadMore", 7, 6, 5, 4, 3, 2, 1))]);
await ask("restart");
await writer.mutation(notes.add, { n: 8 });
await next.until(shows("CanLoadMore", 8, 7, 6, 5, 4, 3, 2, 1));
assert(next.now.connection.connectionCount > 1);
assert(asked.some(({ journal, udfPath }) => journal && udfPath === "notes:list"));
next.now.loadMore(9);
await next.until(shows("Exhausted", 8, 7, 6, 5, 4, 3, 2, 1, 0));
const seen = next.shown.map(numbers);
assert(seen.every((shown) => shown.every((n, index) => !index || shown[index - 1] === n + 1)), JSON.stringify(seen));

// What is inserted optimistically is at its place: on a page that is not being split just then.
const fresh = new Tab(List);
await fresh.until(shows("CanLoadMore", 8, 7));
const top = (store, { n }) => insertAtTop({ paginatedQuery: notes.list, localQueryStore: store, item: { n: n + 0.5 } });
const add = () => fresh.now.add.withOptimisticUpdate(top)({ n: 9 });
await guessing(add, fresh, shows("CanLoadMore", 9.5, 8, 7));
await fresh.until(shows("CanLoadMore", 9, 8, 7));
assert.deepStrictEqual(
  changes(fresh, 0, (tab) => numbers(tab)[0]),
  [8, 9.5, 9],
);

// A session's pages; and those of a query that has become another one, which begin anew.
const turning = new Tab(() => useSessionPaginatedQuery(notes.mine, { of: "all" }, { initialNumItems: 2 }), { storageKey: "b" });
await turning.until(shows("CanLoadMore", 0, 1));
turning.now.loadMore(2);
await turning.until(shows("CanLoadMore", 0, 1, 2, 3));
const resets = () => warnings.filter((text) => text.includes("InvalidCursor")).length;
assert.equal(resets(), 0);
await writer.mutation(notes.turn, {});
await turning.until(shows("CanLoadMore", 9, 8));
assert(resets() > 0);

for (const { client } of [here, there, stranger, late, several, broken, list, next, fresh, turning]) await client.close();
await Promise.all([plain.close(), writer.close()]);
end();

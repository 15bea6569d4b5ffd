// Convex's client of npm on a stage (stage.py): a line of stdin is what happens, the lines of stdout up to "." are what it does.
// Its sockets are only told of, and its timers and chance are the stage's.
import { createInterface } from "node:readline";
import { ConvexClient } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import { convexToJson, jsonToConvex } from "convex/values";

const tell = (...event) => console.log(JSON.stringify(event));

let now = 0;
let timers = [];
globalThis.setTimeout = (run, milliseconds = 0) => {
  const timer = { run, at: now + milliseconds };
  timers.push(timer);
  return timer;
};
globalThis.clearTimeout = (timer) => void (timers = timers.filter((each) => each !== timer));
Math.random = () => 0.5;
globalThis.window = new EventTarget();
globalThis.document = new EventTarget();

const sockets = [];
class Socket {
  constructor() {
    tell("open", sockets.push(this));
  }
  get number() {
    return sockets.indexOf(this) + 1;
  }
  send(text) {
    tell("send", this.number, text);
  }
  close(_code, reason = "") {
    tell("close", this.number, reason);
    queueMicrotask(() => this.onclose({ code: 1000, reason }));
  }
}

const get = makeFunctionReference("doc:get");
const updates = {
  adds(store, { key, tag }) {
    const args = { key, session: 0 };
    const shown = store.getQuery(get, args);
    store.setQuery(get, args, { ...shown, items: [...shown.items, tag] });
  },
  raises() {
    throw new Error("a mistake");
  },
};

const quiet = { logVerbose() {}, log() {}, warn() {}, error() {} };
const subscriptions = {};
let client;

function settle(name, promise) {
  promise.then(
    (value) => tell("settled", name, convexToJson(value)),
    (error) => tell("settled", name, error.message),
  );
}

const happenings = {
  start() {
    const options = { skipConvexDeploymentUrlCheck: true, logger: quiet, unsavedChangesWarning: false };
    client = new ConvexClient("http://localhost:1", { webSocketConstructor: Socket, ...options });
  },
  subscribe(name, path, args) {
    const fn = makeFunctionReference(path);
    const show = (value) => tell("shown", name, convexToJson(value));
    subscriptions[name] = client.onUpdate(fn, jsonToConvex(args), show, (error) => tell("shown", name, error.message));
  },
  unsubscribe: (name) => subscriptions[name](),
  mutation(name, path, args, update) {
    settle(name, client.mutation(makeFunctionReference(path), jsonToConvex(args), { optimisticUpdate: updates[update] }));
  },
  action: (name, path, args) => settle(name, client.action(makeFunctionReference(path), jsonToConvex(args))),
  opened: (number) => sockets[number - 1].onopen(),
  received: (number, data) => sockets[number - 1].onmessage({ data }),
  closed: (number, reason) => sockets[number - 1].onclose({ code: 1006, reason }),
  wake: (event) => (event === "visibilitychange" || event === "resume" ? document : window).dispatchEvent(new Event(event)),
  advance: (seconds) => void (now += seconds * 1000),
};

async function rest() {
  for (let idle = 0; idle < 3; idle++) {
    await new Promise(setImmediate);
    const [due] = timers.filter(({ at }) => at <= now).sort((one, other) => one.at - other.at);
    if (!due) continue;
    clearTimeout(due);
    due.run();
    idle = -1;
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...args] = JSON.parse(line);
  try {
    happenings[name](...args);
  } catch (error) {
    tell("thrown", `${error}`); // to the window's onerror, in a browser
  }
  await rest();
  console.log(".");
}

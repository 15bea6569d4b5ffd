// Convex's own WebSocket clients against a server: node convex_client.mjs ADDRESS. Prints "all is well" at the end.
import assert from "node:assert/strict";
import { ConvexClient } from "convex/browser";
import { anyApi } from "convex/server";
import { ConvexError } from "convex/values";
import WebSocket from "ws";
import { ask, end } from "./asking.mjs";

const quiet = { logVerbose() {}, log() {}, warn() {}, error() {} };
const options = { webSocketConstructor: WebSocket, skipConvexDeploymentUrlCheck: true, logger: quiet, unsavedChangesWarning: false };
const client = new ConvexClient(process.argv[2], options);
const other = new ConvexClient(process.argv[2], options);
const { shop } = anyApi;

/** The values of a subscription, as they come. */
class Seen {
  values = [];
  waiting = [];
  constructor(from, fn, args = {}) {
    from.onUpdate(fn, args, (value) => this.settle(value), (error) => this.settle(error));
  }
  settle(value) {
    this.values.push(value);
    this.waiting = this.waiting.filter(({ is, resolve }) => !(is(value) && (resolve(), true)));
  }
  until(is) {
    return this.values.length && is(this.values.at(-1)) ? undefined : new Promise((resolve) => this.waiting.push({ is, resolve }));
  }
}

const count = new Seen(client, shop.count);
const elsewhere = new Seen(other, shop.count);
await count.until((value) => value === 0);
await elsewhere.until((value) => value === 0);

// Read your writes, and everybody else's.
assert.equal(await client.mutation(shop.add, { name: "tea" }), 1);
assert.equal(count.values.at(-1), 1);
await elsewhere.until((value) => value === 1);
assert.equal(await client.action(shop.act, { value: 5n }), 5n);
for (const value of [null, "é", 0.5, NaN, -(2n ** 63n), [1, [2n]], { a: [null], "": {} }]) {
  assert.deepStrictEqual(await client.query(shop.echo, { value }), value);
}

// Errors, of mutations and of queries.
await assert.rejects(client.mutation(shop.fail, { how: "data" }), (error) => {
  assert(error instanceof ConvexError);
  assert.deepStrictEqual(error.data, { n: 1n, message: "Sold out." });
  return true;
});
const failing = new Seen(client, shop.fail_query, { how: "text" });
await failing.until((error) => error instanceof ConvexError && error.data === "Sold out.");

// In order.
const many = [];
for (let number = 0; number < 20; number++) many.push(client.mutation(shop.add, { name: `${number}` }));
assert.deepStrictEqual(await Promise.all(many), [...Array(20).keys()].map((number) => number + 2));

// Lost answers: each of these mutations is cut off from its answer once it is committed, and still runs once.
for (let number = 0; number < 3; number++) {
  await ask('cut "MutationResponse"');
  assert.equal(await client.mutation(shop.add, { name: "once" }), 22 + number);
  assert.equal(count.values.at(-1), 22 + number);
}

// Another server process on the same data.
await ask("restart");
assert.equal(await client.mutation(shop.add, { name: "later" }), 25);
await elsewhere.until((value) => value === 25);
assert(count.values.every((value, index) => !index || value >= count.values[index - 1]), `${count.values}`);

await client.close();
await other.close();
end();

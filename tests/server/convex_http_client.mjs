// Convex's own HTTP client against a server: node convex_http_client.mjs ADDRESS. Prints "all is well" at the end.
import assert from "node:assert/strict";
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { ConvexError } from "convex/values";

const lines = [];
const logger = { logVerbose() {}, log: (...said) => lines.push(said), warn: (...said) => lines.push(said), error() {} };
const client = new ConvexHttpClient(process.argv[2], { logger, skipConvexDeploymentUrlCheck: true });
const { shop } = anyApi;

for (const value of [null, true, "é", 1, 0.5, -0, NaN, Infinity, 5151996n, -(2n ** 63n), [1, [2n]], { a: [null], "": {} }]) {
  assert.deepStrictEqual(await client.query(shop.echo, { value }), value);
  assert.deepStrictEqual(await client.action(shop.act, { value }), value);
}
const octets = new Uint8Array([0, 16, 131]).buffer;
assert.deepStrictEqual(await client.query(shop.echo, { value: octets }), octets);

assert.equal(await client.mutation(shop.add, { name: "tea" }), 1);
assert.equal(await client.mutation("shop.js:add", { name: "milk" }), 2);
assert.deepStrictEqual(lines.at(-1).slice(-1), ["'adding' 'milk'"], JSON.stringify(lines.at(-1)));
assert.equal(await client.query(shop.count), 2);

await assert.rejects(client.mutation(shop.fail, { how: "data" }), (error) => {
  assert(error instanceof ConvexError);
  assert.deepStrictEqual(error.data, { n: 1n, message: "Sold out." });
  return true;
});
await assert.rejects(client.query(shop.fail_query, { how: "none" }), (error) => error instanceof ConvexError && error.data === null);
await assert.rejects(client.action(shop.fail_action, { how: "value" }), /\[Request ID: [0-9a-f]{16}\] Server Error$/);
await assert.rejects(client.query(shop.nothing), /Could not find public function/);
await assert.rejects(client.query(shop.add, { name: "x" }), /defined as Mutation/);
await assert.rejects(client.mutation(shop.add, {}), /ArgumentValidationError/);

assert.equal(await client.consistentQuery(shop.count), 2);
await client.mutation(shop.add, { name: "rice" });
assert.equal(await client.consistentQuery(shop.count), 2); // it keeps its time
assert.equal(await client.query(shop.count), 3);

client.setAuth("a.b.c");
await assert.rejects(client.query(shop.count), /"code":"Unauthenticated"/);
console.log("all is well");

// Convex's own clients with tokens: node convex_auth_client.mjs ADDRESS. Prints "all is well" at the end.
// It asks for a token by a line, "ada", "ada short" or "ada bad"; what it then reads is the token.
import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import WebSocket from "ws";

const quiet = { logVerbose() {}, log() {}, warn() {}, error() {} };
const options = { webSocketConstructor: WebSocket, skipConvexDeploymentUrlCheck: true, logger: quiet, unsavedChangesWarning: false };
const { shop } = anyApi;
const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

let last = Promise.resolve();
function token(name) {
  last = last.then(async () => {
    console.log(name);
    return (await input.next()).value;
  });
  return last;
}

/** What comes, and a wait for it. */
class Seen {
  values = [];
  waiting = [];
  add = (value) => {
    this.values.push(value);
    this.waiting = this.waiting.filter(({ is, resolve }) => !(is(value) && (resolve(), true)));
  };
  until(is) {
    return this.values.length && is(this.values.at(-1)) ? undefined : new Promise((resolve) => this.waiting.push({ is, resolve }));
  }
}

const client = new ConvexClient(process.argv[2], options);
const me = new Seen();
client.onUpdate(shop.me, {}, me.add);
await me.until((value) => value === null);

// Logged in: confirmed, and what asks who calls is shown anew.
const changes = new Seen();
client.setAuth(() => token("ada"), changes.add);
await changes.until((value) => value === true);
await me.until((value) => value === "ada");
assert.equal(await client.mutation(shop.who), "ada");
assert.equal(await client.action(shop.act), "ada");

// A token that runs out while the client takes it for good: it gets a fresh one, and stays logged in.
const forced = [];
const renewed = new Seen();
client.setAuth(({ forceRefreshToken }) => {
  forced.push(forceRefreshToken);
  return token(forced.length < 3 ? "ada short" : "eve");
}, renewed.add);
await me.until((value) => value === "eve");
assert.equal(forced[2], true);
assert(!renewed.values.includes(false), `${renewed.values}`);
assert.equal(await client.mutation(shop.who), "eve");

// Tokens that are not good: it gives up, and is nobody.
const refused = new Seen();
client.setAuth(() => token("ada bad"), refused.add);
await refused.until((value) => value === false);
await me.until((value) => value === null);
assert.equal(await client.mutation(shop.who), null);

// Another user, and logged out, once the client has the second token that it gets at once.
const fetched = new Seen();
client.setAuth(async () => {
  const got = await token("bob");
  fetched.add(got);
  return got;
});
await me.until((value) => value === "bob");
if (fetched.values.length < 2) await new Promise((resolve) => fetched.waiting.push({ is: () => true, resolve }));
assert.equal(await client.mutation(shop.who), "bob");
client.client.clearAuth();
await me.until((value) => value === null);
await client.close();

// Over HTTP.
const http = new ConvexHttpClient(process.argv[2], { logger: quiet, skipConvexDeploymentUrlCheck: true });
http.setAuth(await token("ada"));
assert.equal(await http.query(shop.me), "ada");
assert.equal(await http.mutation(shop.who), "ada");
http.setAuth(await token("ada bad"));
await assert.rejects(http.query(shop.me), /"code":"Unauthenticated"/);
http.clearAuth();
assert.equal(await http.query(shop.me), null);
console.log("all is well");
process.exit(0);

// What a client in Node asks of node_client.py, which runs it: a line each, answered by another.
import assert from "node:assert/strict";
import { createInterface } from "node:readline";

const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

setTimeout(() => end("it hangs"), 60_000).unref();

/**
 * `restart`: the server is killed and comes back. `cut TEXT`: its next frame with that text is lost, with its connection.
 * `hold`: what it sends doesn't arrive before `release`.
 */
export async function ask(what) {
  console.log(what);
  assert.equal((await input.next()).value, "done");
}

export function end(what = "all is well") {
  console.log(what);
  process.exit();
}

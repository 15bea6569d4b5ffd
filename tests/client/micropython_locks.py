"""Locks on the real MicroPython, outside a browser: of thousands that are granted, none is let go unasked."""

import asyncio

import js

from pillion import _browser

js.eval("""
globalThis.returned = { kept: 0, lost: 0 };
const request = (name, options, callback) => new Promise((done, failed) => setTimeout(() => {
  const until = callback({ name });
  returned[until instanceof Promise ? "kept" : "lost"] += 1;
  Promise.resolve(until).then(done, failed);
}));
Object.defineProperty(globalThis, "navigator", { value: { locks: { request } }, configurable: true });
""")

TIMES = 4000


async def one(number):
    """Takes a lock and lets it go, after making some garbage, so that it is collected at one moment or another."""
    for each in range(number % 90):
        str(each)
    release = await _browser.lock("lock")
    release()


async def main():
    for number in range(TIMES):
        await asyncio.create_task(one(number))
    assert (js.returned.kept, js.returned.lost) == (TIMES, 0), f"{js.returned.lost} locks were let go at once"


await main()
print("the locks have held")

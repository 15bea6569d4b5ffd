"""A session that is disposed of leaves nothing behind on the page."""

import pytest

from browser.site import Site
from browser.tabs import Profile, Tab, until
from browser.test_one_per_tab import sent
from browser_finder import CHROMIUM

COUNT = """
window.listening = 0;
const channels = new Set();
const { addEventListener, removeEventListener } = EventTarget.prototype;
EventTarget.prototype.addEventListener = function(...all) {
    if (this === window || this === document || this === window.cookieStore) window.listening += 1;
    return addEventListener.apply(this, all);
};
EventTarget.prototype.removeEventListener = function(...all) {
    if (this === window || this === document || this === window.cookieStore) window.listening -= 1;
    return removeEventListener.apply(this, all);
};
const close = BroadcastChannel.prototype.close;
BroadcastChannel.prototype.close = function() { channels.delete(this); return close.call(this) };
window.BroadcastChannel = class extends BroadcastChannel { constructor(name) { super(name); channels.add(this) } };
window.left = async () => {
    const { held, pending } = await navigator.locks.query();
    return [window.listening, channels.size, held.length, pending.length];
};
"""
ROUNDS = """
for n in range({rounds}):
    provider = SessionProvider(Client("/api"), storage={storage!r}, storage_key="again")
    session = provider.install()
    take_back = lend(session, js.Object.new())
    await session.ready()
    take_back()
    provider.uninstall()
"""

pytestmark = pytest.mark.firefox


def objects(tab: Tab) -> int:
    """How many Python has, those that JavaScript holds by proxies among them, after JavaScript has let go what it can.

    On MicroPython 0: it counts only bytes, and keeps some of every promise that is awaited, whoever awaits it.
    """
    if tab.page.context.browser.browser_type.name == CHROMIUM:
        session = tab.page.context.new_cdp_session(tab.page)
        session.send("HeapProfiler.collectGarbage")
        session.detach()
    return int(tab.run("import gc\ngc.collect()\nreturn len(gc.get_objects()) if hasattr(gc, 'get_objects') else 0"))


@pytest.mark.parametrize("storage", ["session", "local"])
def test_a_thousand_rounds_leave_nothing(profile: Profile, site: Site, engine: str, runtime: str, storage: str) -> None:
    """No lock, channel, listener or proxy; the page's own session goes on.

    A thousand on the Python that is quick, in one engine and one storage; a hundred in each of the others.
    """
    profile.before_each_page(COUNT)
    tab = profile.tab(runtime, "import js\nfrom pillion import *\n")
    nothing = tab.page.evaluate("left()")
    tab.run("SessionProvider(Client('/api')).install()")
    ids = sent(site, tab)
    before = tab.page.evaluate("left()")
    assert before[0] > nothing[0]
    assert [now - then for now, then in zip(before[1:], nothing[1:], strict=True)] == [1, 1, 0]
    tab.run(ROUNDS.format(rounds=20, storage=storage))
    few = objects(tab) + 50  # one object of each round would be twice as many, or more
    for _ in range(20 if (engine, runtime, storage) == (CHROMIUM, "mpy", "session") else 2):
        tab.run(ROUNDS.format(rounds=50, storage=storage))
    until(tab.page, lambda: objects(tab) < few)
    until(tab.page, lambda: bool(tab.page.evaluate("left()") == before))
    assert sent(site, tab) == ids
    tab.run("use_session().dispose()")
    until(tab.page, lambda: bool(tab.page.evaluate("left()") == nothing))

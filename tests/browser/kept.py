"""Pages that are kept from test to test, because what costs is to boot Python on them: one test at a time has them.

A test finds them as if they had just been loaded at its own address. Afterwards its sessions end, and its names and
what was stored go. A page on which anything else is not as it was, such as a method of the browser's, is closed.
"""

from typing import Any

from playwright.sync_api import BrowserContext, Error

from browser.site import BLANK, Site
from browser.tabs import Profile, PythonError, Tab

NAMES = "return [name for name in globals()]"
REMEMBER = "globals()['_kept'] = {{name: globals()[name] for name in {names}}}"
FORGET = """
from pillion import current
while current.find() is not None:
    session = current.find()
    current.uninstall(session)
    session.dispose()
for name in [name for name in globals() if name not in _kept and name != '_kept']:
    del globals()[name]
globals().update(_kept)
"""
LOOK = """() => {
    const seen = new Map();
    const look = (place, path) => {
        for (const name of Object.getOwnPropertyNames(place)) {
            const { value, get, set } = Object.getOwnPropertyDescriptor(place, name) ?? {};
            const found = value ?? get ?? set;
            seen.set(path + name, found === Object(found) ? found : typeof found);
            if (place !== window || !/^[A-Z]/.test(name) || typeof value !== 'function') continue;
            look(value, name + '.');
            if (value.prototype) look(value.prototype, name + '.prototype.');
        }
    };
    look(window, '');
    for (const name of ['document', 'navigator', 'indexedDB']) if (window[name]) look(window[name], name + '.');
    seen.set('the number of nodes', document.querySelectorAll('*').length);
    return seen;
}"""
"""What objects the page has: the browser's own, with what belongs to its classes, and how large the document is."""

KEEP = f"() => {{ window[Symbol.for('kept')] = ({LOOK})() }}"
COMPARE = f"""() => {{
    const kept = window[Symbol.for('kept')];
    if (!kept) return ['loaded anew'];
    for (const name of Object.getOwnPropertyNames(window)) if (!kept.has(name)) delete window[name];
    sessionStorage.clear();
    const now = ({LOOK})();
    return [...new Set([...kept.keys(), ...now.keys()])].filter(name => now.get(name) !== kept.get(name));
}}"""
"""What is otherwise than it was, by name, after the names on `window` that are new have gone."""

SWEEP = """() => new Promise((done, fail) => {
    localStorage.clear();
    const request = indexedDB.deleteDatabase('pillion');
    request.onsuccess = () => done();
    request.onerror = fail;
    request.onblocked = () => fail(new Error('A connection is still open.'));
})"""

Kind = tuple[str, str]
"""The Python and the host of a page."""


class KeptTab(Tab):
    """A page that is kept."""

    def __init__(self, kind: Kind, page: Any, names: dict[str, list[str]]) -> None:
        super().__init__(page)
        self.kind = kind
        self._names = names
        self._remember()

    def reload(self) -> None:
        """Loads the page again, by which it may still be kept."""
        super().reload()
        self._remember()

    def start(self, path: str, code: str) -> None:
        """Makes it a page at this path that has just run `code`."""
        self.page.evaluate("path => history.replaceState(null, '', path)", path)
        self.run(f"exec({code!r}, globals())")

    def is_cleaned(self) -> bool:
        """Ends what the test left on it; whether it can be kept."""
        try:
            self.begin(FORGET)
            self.end()
            return self.page.evaluate(COMPARE) == []
        except (Error, PythonError):
            return False

    def _remember(self) -> None:
        runtime, _ = self.kind
        if runtime not in self._names:
            self._names[runtime] = self.run(NAMES)
        self.run(REMEMBER.format(names=self._names[runtime]))
        self.page.evaluate(KEEP)


class Stock:
    """The pages of one browser profile. is_lent: whether a test has it, or has left it so that nobody can clean it."""

    def __init__(self, context: BrowserContext, site: Site) -> None:
        self.context = context
        self.site = site
        self.is_lent = False
        self._idle: list[KeptTab] = []
        self._names: dict[str, list[str]] = {}
        self._broom = context.new_page()
        self._sweep({site.url})

    def take(self, number: int, kind: Kind) -> list[KeptTab]:
        """So many of a kind; those that are missing are booted, all at once."""
        taken = [tab for tab in self._idle if tab.kind == kind][:number]
        self._idle = [tab for tab in self._idle if tab not in taken]
        runtime, host = kind
        missing = [self.context.new_page() for _ in range(number - len(taken))]
        address = f"http://{host}:{self.site.port}{self.site.page(runtime)}"
        for page in missing:
            page.goto(address)
        return taken + [KeptTab(kind, page, self._names) for page in missing]

    def give_back(self, tabs: list[KeptTab], origins: set[str]) -> None:
        """Cleans what a test had, and takes it back. origins: whose data is stored."""
        kept = {tab.page for tab in (*tabs, *self._idle)}
        for page in self.context.pages:
            if page not in kept and page is not self._broom:
                page.close()
        self._idle += [tab for tab in tabs if not tab.page.is_closed() and tab.is_cleaned()]
        for tab in tabs:
            if tab not in self._idle:
                tab.page.close()
        self._sweep(origins)
        self.is_lent = False

    def _sweep(self, origins: set[str]) -> None:
        self.context.clear_cookies()
        for origin in origins:
            self._broom.goto(origin + BLANK)
            self._broom.evaluate(SWEEP)


class KeptProfile(Profile):
    """A profile whose tabs are from a stock, until `close`. Workers are not kept."""

    def __init__(self, stock: Stock) -> None:
        super().__init__(stock.context, stock.site)
        stock.is_lent = True
        self._stock = stock
        self._taken: list[KeptTab] = []
        self._code: dict[str, str] = {}

    def before_each_page(self, script: str) -> None:
        """Can't be: the pages have been loaded."""
        raise AssertionError("A test that changes each page before its scripts run has the mark `fresh_pages`.")

    def tab(self, runtime: str, code: str = "", *, host: str = "localhost", worker: bool = False) -> Tab:
        """A tab at an address of its own that has run `code`."""
        if worker:
            return super().tab(runtime, code, host=host, worker=True)
        (tab,) = self.tabs(1, runtime, code, host=host)
        return tab

    def tabs(self, number: int, runtime: str, code: str = "", *, host: str = "localhost") -> list[Tab]:
        """Tabs at one address."""
        path = self.site.page(runtime, code)
        self._code[path] = code
        return [*self._start(number, (runtime, host), path)]

    def twin(self, tab: Tab) -> Tab:
        """Another tab at the same address."""
        assert isinstance(tab, KeptTab)
        (twin,) = self._start(1, tab.kind, "/" + tab.page.url.rpartition("/")[2])
        return twin

    def close(self) -> None:
        """Gives the tabs back."""
        own = {origin for origin in self.origins if origin.endswith(f":{self.site.port}")}
        self._stock.give_back(self._taken, own | {f"http://{tab.kind[1]}:{self.site.port}" for tab in self._taken})

    def _start(self, number: int, kind: Kind, path: str) -> list[KeptTab]:
        tabs = self._stock.take(number, kind)
        self._taken += tabs
        for tab in tabs:
            tab.start(path, self._code[path])
        return tabs

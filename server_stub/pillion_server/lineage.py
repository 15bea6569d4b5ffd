"""Which session an ID opens, as one transaction sees it: the rows that say who ended and who came after.

Most IDs have no row: an ID opens the session that is named by its digest. When that one ends, its row stays
and the ID's next session gets one, under a random digest that nothing but the row ties to the old one.

    digest | name         | live | after  | heir   | until | user | bound
    -------+--------------+------+--------+--------+-------+------+------
    A      | A            | 0    |        | D      | 60000 |      |        ended: until then A's ID leads to D
    B      | A            | 1    | A      |        |       | ada  | 70000  what A's ID opens then, ada's since 70000

A live session may be `registered`, which tells in strict mode; a column of that name, left out here, says so.

An alias is an ended row whose `until` is to come. It leads in one step to a live session that has no user: when
its heir is handed on, the alias is too; when its heir ends or gets a user, the alias is over.
"""

from dataclasses import dataclass
from math import inf
from typing import cast

from pillion_server.sessions import Digests, SessionId, epoch_of, new_digest
from pillion_server.sqlite import Connection, Row

_EPOCH = "select number from epoch"
_OPENS = """select epoch.number, own.digest, old.digest, old.heir, old.until
            from epoch left join sessions own on own.name = ? and own.live
            left join sessions old on old.digest = own.after and old.until > ? where epoch.rowid = 1"""
_ROW = "select name, live, heir, until, user from sessions where digest = ?"
_PUT = "insert or replace into sessions (digest, name, live, after, heir, until, user) values (?, ?, ?, ?, ?, ?, ?)"
_REGISTERED = "select registered from sessions where digest = ?"
_REGISTER = "update sessions set registered = 1 where digest = ?"
_OF_USER = "select digest, bound from sessions where user = ? order by bound, digest"
_HAND_ON = "update sessions set heir = ?, until = min(until, ?) where heir = ? and until > ?"
_CUT = "update sessions set until = 0 where heir = ? and until > 0"
_BIND = "update sessions set user = ?, bound = coalesce(bound, ?) where digest = ?"


@dataclass(frozen=True)
class Known:
    """What is known of a session. `heir` took over from it, and is seen under its ID up to the time `until`."""

    name: str
    live: bool
    heir: str | None = None
    until: float = 0.0
    user: str | None = None


class Lineage:
    """Looks sessions up, and changes what they are, on one connection at one time.

    seen: the sessions that calls came under. until: when the first of those that are aliases is over.
    asked: the sessions whose user was asked for, and the users whose sessions were. changed: those of both whose answer
    may be another one now, `None` for all.
    """

    def __init__(self, connection: Connection, digests: Digests, now: float) -> None:
        self._open: Connection | None = connection
        self._digests = digests
        self.now = now
        self.seen: set[str] = set()
        self.until = inf
        self.asked: set[str] = set()
        self.changed: set[str] | None = set()

    def of(self, value: object) -> SessionId:
        """The session that a raw ID opens; raises `ValueError` for what is not one."""
        digest, guess = self._digests.of(value), self._digests.epoch
        while True:
            name = self._digests.in_epoch(guess, digest)
            epoch, own, old, heir, until = cast("Row", self._connection.row(_OPENS, (name, self.now)))
            if epoch == guess:
                return self._see(SessionId(own or name)) if heir is None else self._lead(heir, old, until)
            guess = self._digests.epoch = epoch

    def again(self, session: SessionId) -> SessionId:
        """What a session that was seen before is by now: itself, the one that took over, or an empty one.

        It is looked up from where its caller's ID led, so an alias that is over doesn't live on in an action.
        The empty one is new: no ID opens it.
        """
        start = session.via or str(session)
        known = self.known(start)
        if known.live:
            return self._see(session)
        if known.heir is not None and known.until > self.now:
            return self._lead(known.heir, start, known.until)
        return self._see(SessionId(new_digest(self._epoch)))

    def known(self, digest: str) -> Known:
        """What is known of a session; one of an earlier epoch has ended. Raises `ValueError` for what is none."""
        epoch = epoch_of(digest)
        row = self._connection.row(_ROW, (digest,))
        if row is None:
            return Known(digest, live=epoch == self._epoch)
        name, live, heir, until, user = row
        return Known(name, bool(live), heir, until, user)

    def user(self, digest: str) -> str | None:
        """The user of a session. Raises `ValueError` for what is none."""
        self.asked.add(str(digest))
        return self.known(digest).user

    def of_user(self, user: str) -> list[tuple[str, float | None]]:
        """The sessions of a user, each with the time since when, `None` if that was not noted; the oldest first."""
        self.asked.add(_all_of(user))
        return self._connection.rows(_OF_USER, (user,))

    def close(self, digest: str, heir: str | None = None, until: float = 0.0) -> None:
        """Ends a live session. Until then its ID, and the aliases that led to it, lead to `heir`."""
        known = self.known(digest)
        self._change(digest, known.user)
        run, name, next = self._connection.run, known.name, new_digest(self._epoch)
        run(_PUT, (digest, name, False, None, heir, until, None))
        run(_PUT, (next, name, True, digest, None, 0.0, None))
        run(_HAND_ON, (heir, until, digest, self.now))
        if until > self.now:
            run("update epoch set moved = ?", (self.now,))

    def bind(self, digest: str, user: str) -> None:
        """Gives a live session a user; no alias leads to it any more."""
        self._change(digest, user)
        self._note(digest)
        self._connection.run(_BIND, (user, self.now, digest))
        self._connection.run(_CUT, (digest,))

    def is_registered(self, digest: str) -> bool:
        """Whether a session is registered."""
        self.asked.add(str(digest))
        row = self._connection.row(_REGISTERED, (digest,))
        return row is not None and bool(row[0])

    def register(self, digest: str) -> None:
        """Registers a live session."""
        self._change(digest, None)
        self._note(digest)
        self._connection.run(_REGISTER, (digest,))

    def close_all(self) -> None:
        """Begins the next epoch, in which every ID opens a session that nobody has seen."""
        self.changed = None
        self._connection.run("delete from sessions")
        self._connection.run("update epoch set number = number + 1")

    def end(self) -> None:
        """Ends its use: the function is done, and so is the transaction."""
        self._open = None

    def _lead(self, heir: str, via: str, until: float) -> SessionId:
        self.until = min(self.until, until)
        return self._see(SessionId(heir, via=via))

    def _see(self, session: SessionId) -> SessionId:
        self.seen.add(str(session))
        return session

    def _note(self, digest: str) -> None:
        """Gives a live session its row."""
        if self._connection.row(_ROW, (digest,)) is None:
            self._connection.run(_PUT, (digest, digest, True, None, None, 0.0, None))

    def _change(self, digest: str, user: str | None) -> None:
        if self.changed is not None:
            self.changed |= {str(digest)} if user is None else {str(digest), _all_of(user)}

    @property
    def _connection(self) -> Connection:
        if self._open is None:
            raise RuntimeError("ctx.sessions was used after its function had ended: use it inside the function.")
        return self._open

    @property
    def _epoch(self) -> int:
        number: int = self._connection.value(_EPOCH)
        return number


def _all_of(user: str) -> str:
    """Stands for the sessions of a user among sessions; no digest is like it."""
    return f"user {user}"

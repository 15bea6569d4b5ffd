"""Mutations and actions from the call to the moment when their caller knows how they went."""

from collections import OrderedDict

from pillion_shared import TransportError, frames
from pillion_shared.server_frames import Result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pillion_shared.server_frames import ActionResponse, MutationResponse


class Call:
    """A mutation or an action that its caller waits for.

    id: the same on every connection. text: its frame. made: when it was called. is_sent: on some connection.
    is_held: neither it nor those after it may be sent yet. is_given_up: nobody waits for it any more. result,
    timestamp: of a mutation that the server has committed, whose effect is not shown here yet.
    """

    def __init__(self, call_id: int, kind: str, path: str, args: "dict[str, object]", made: float) -> None:
        self.id = call_id
        self.kind = kind
        self.path = path
        self.text = frames.request(kind, call_id, path, args)
        self.made = made
        self.is_sent = self.is_held = False
        self.is_given_up = False
        self.result: Result | None = None
        self.timestamp = 0


class Calls:
    """All calls of one client that have not ended, in their order. next_id: that of the next call."""

    def __init__(self) -> None:
        self.next_id = 0
        self._calls: OrderedDict[int, Call] = OrderedDict()
        self._due: list[Call] = []

    def add(self, kind: str, path: str, args: "dict[str, object]", now: float) -> Call:
        """A new call of `path` (canonical) with `args`, which are encoded."""
        return self._put(Call(self.next_id, kind, path, args, now))

    def restore(self, call_id: int, path: str, args: "dict[str, object]", made: float) -> Call:
        """A mutation that has its number already, greater than those before it: from an earlier page."""
        return self._put(Call(call_id, frames.MUTATION, path, args, made))

    def due(self) -> "list[Call]":
        """What has to be sent on this connection now, in order; it counts as sent."""
        ready = 0
        while ready < len(self._due) and not self._due[ready].is_held:
            ready += 1
        due, self._due = self._due[:ready], self._due[ready:]
        for call in due:
            call.is_sent = True
        return due

    def restart(self) -> "list[Call]":
        """A new connection: mutations are sent again, in order. The actions that were sent are not; they have ended.

        A mutation that is committed is sent too: its answer makes the server show what it has done.
        """
        lost = [call for call in self._calls.values() if call.is_sent and call.kind == frames.ACTION]
        for call in lost:
            del self._calls[call.id]
        self._due = list(self._calls.values())
        return lost

    def respond(self, response: "MutationResponse | ActionResponse", timestamp: "int | None") -> "Call | None":
        """Takes an answer: the call that has ended with it.

        A mutation that succeeded ends when its effect is shown (`show`). Answers to nobody and second answers end none.
        """
        call = self._calls.get(response.request_id)
        if call is None or not call.is_sent or call.result is not None:
            return None
        call.result = response.result
        if timestamp is None:
            del self._calls[call.id]
            return call
        call.timestamp = timestamp
        return None

    def show(self, timestamp: int) -> "list[Call]":
        """The calls that end because everything up to `timestamp` is shown, in order."""
        shown = [call for call in self._calls.values() if call.result is not None and call.timestamp <= timestamp]
        for call in shown:
            del self._calls[call.id]
        return shown

    def give_up(self, call: Call) -> bool:
        """Its caller doesn't wait any more: whether it was never sent, and will not be."""
        call.is_given_up = True
        if call.is_sent or self._calls.get(call.id) is not call:
            return False
        del self._calls[call.id]
        self._due.remove(call)
        return True

    def end(self) -> "list[Call]":
        """Ends them all."""
        ended = list(self._calls.values())
        self._calls.clear()
        self._due = []
        return ended

    def pending(self, kind: str) -> int:
        """How many of a kind have not ended."""
        return len([call for call in self._calls.values() if call.kind == kind])

    def oldest(self) -> "Call | None":
        """The one that has not ended for the longest time."""
        for call in self._calls.values():
            return call
        return None

    def _put(self, call: Call) -> Call:
        self.next_id = call.id + 1
        self._calls[call.id] = call
        self._due.append(call)
        return call


def lost_action() -> Result:
    """How an action ends whose connection was lost."""
    return Result(
        None,
        TransportError(
            "The connection was lost while the action was running, and an action is not sent twice: "
            "it may have run or not."
        ),
    )

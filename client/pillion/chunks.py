"""Transitions that come in parts."""

from pillion_shared import server_frames
from pillion_shared.errors import FrameError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pillion_shared.server_frames import Frame, TransitionChunk


class Chunks:
    """Reads the frames of one connection, and puts together those that come in parts."""

    def __init__(self) -> None:
        self._parts: list[TransitionChunk] = []

    def read(self, text: object) -> "Frame | None":
        """The frame that is whole with this text, `None` while there is more to come; raises `FrameError`.

        Between the parts of one nothing comes but `Ping`.
        """
        frame = server_frames.read(text)
        if isinstance(frame, server_frames.TransitionChunk):
            return self._add(frame)
        if self._parts and not isinstance(frame, server_frames.Ping):
            raise FrameError("A transition has not come whole.")
        return frame

    def _add(self, part: "TransitionChunk") -> "Frame | None":
        first = self._parts[0] if self._parts else part
        if (
            part.number != len(self._parts)
            or part.number >= part.total
            or part.total != first.total
            or part.transition_id != first.transition_id
        ):
            raise FrameError("The parts of a transition have not come in order.")
        self._parts.append(part)
        if len(self._parts) < part.total:
            return None
        text = "".join([each.text for each in self._parts])
        self._parts = []
        whole = server_frames.read(text)
        if not isinstance(whole, server_frames.Transition):
            raise FrameError("What came in parts is no transition.")
        return whole

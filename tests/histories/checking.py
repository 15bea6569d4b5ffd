"""Finds what a serializable database can't have done, in a history of list appends.

After Adya's kinds of anomalies and the way of Elle (Kingsbury, Alvaro: "Elle: Inferring Isolation Anomalies from
Experimental Observations", 2020): the lists give the order of the appends, that order gives the dependencies
between the transactions, and a cycle among these is an anomaly whose kind is that of its edges.

    ww   the next append to the same list          wr   a read of what was appended
    rw   a read, and the first append it missed    rt   ended before the other one began

    G0           ww only                           G1a          a read of what was rolled back
    G1c          ww and wr                         G1b          a read in the middle of a transaction
    G-single     one rw                            lost append  it took effect, and is gone
    G2           several rw                        internal     a transaction doesn't see itself
    real time    an rt                             order        two reads, neither the beginning of the other
                                                   value        one that nobody appended, or that is there twice
"""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator

from histories.history import Append, History, Read

Edges = dict[tuple[int, int], set[str]]
Graph = dict[int, list[int]]

CYCLES = (
    ("G0", "ww", {"ww"}),
    ("G1c", "wr", {"ww", "wr"}),
    ("G-single", "rw", {"ww", "wr"}),
    ("G2", "rw", {"ww", "wr", "rw"}),
    ("real time", "rt", {"ww", "wr", "rw", "rt"}),
)
"""A kind of cycle, an edge that it has, and what the way back is made of. An edge counts for its first kind."""


def anomalies(history: History) -> dict[str, str]:
    """An example of each kind that is there, in words."""
    return _Check(history).found


class _Check:
    def __init__(self, history: History) -> None:
        self.history = history
        self.found: dict[str, str] = {}
        self.writer: dict[tuple[int, int], int] = {}
        self.last_append: dict[tuple[int, int], int] = {}
        for number, transaction in enumerate(history):
            for step in transaction.steps:
                if isinstance(step, Append):
                    self.writer[step.key, step.value] = number
                    self.last_append[number, step.key] = step.value
        self.known: dict[int, int] = self._known()
        self.outside = {(number, read.key): read for number in self.known for read in self._outside(number)}
        self.orders = self._orders()
        for (number, _), read in self.outside.items():
            self._look_at(number, read)
        self._lost()
        self._cycles()

    def _say(self, kind: str, sentence: str) -> None:
        self.found.setdefault(kind, sentence)

    def _reads(self) -> Iterator[tuple[int, Read]]:
        """What was read by the transactions that were not refused."""
        for number, transaction in enumerate(self.history):
            if not transaction.failed:
                for step in transaction.steps:
                    if isinstance(step, Read):
                        yield number, step

    def _known(self) -> dict[int, int]:
        """The transactions that took effect, and when that was known: by its answer, or from somebody's read."""
        known = {n: each.ended for n, each in enumerate(self.history) if not each.failed and each.ended is not None}
        for number, read in self._reads():
            ended = self.history[number].ended
            for value in read.values if ended is not None else ():
                writer = self.writer.get((read.key, value))
                if writer is not None and not self.history[writer].failed:
                    known[writer] = min(ended, known.get(writer, ended))
        return known

    def _outside(self, number: int) -> Iterator[Read]:
        """What others had appended when a transaction first read a list; its own view is to fit what it did."""
        seen: dict[int, tuple[int, ...]] = {}
        own: dict[int, tuple[int, ...]] = defaultdict(tuple)
        for step in self.history[number].steps:
            mine = own[step.key]
            if isinstance(step, Append):
                own[step.key] = (*mine, step.value)
                continue
            if step.key not in seen:
                seen[step.key] = step.values[: len(step.values) - len(mine)]
                yield Read(step.key, seen[step.key])
            if step.values != seen[step.key] + mine:
                self._say("internal", f"T{number} read {step} after {seen[step.key]} and its own {mine}")

    def _orders(self) -> dict[int, tuple[int, ...]]:
        """The appends to each list in their order: the longest read."""
        orders: dict[int, tuple[int, ...]] = defaultdict(tuple)
        for _, read in self._reads():
            orders[read.key] = max(orders[read.key], read.values, key=len)
            if len(set(read.values)) < len(read.values):
                self._say("value", f"{read} holds one twice")
        return orders

    def _look_at(self, number: int, read: Read) -> None:
        """Finds what one read shows by itself."""
        for value in read.values:
            writer = self.writer.get((read.key, value))
            if writer is None:
                self._say("value", f"T{number} read {value} in {read.key}, which nobody has appended")
            elif self.history[writer].failed:
                self._say("G1a", f"T{number} read {value} in {read.key}, which T{writer} had rolled back")
        last = self.writer.get((read.key, read.values[-1])) if read.values else None
        if last not in (None, number) and self.last_append[last, read.key] != read.values[-1]:
            self._say("G1b", f"T{number} read {read.values[-1]} in {read.key}, where T{last} was not done")
        if read.values != self.orders[read.key][: len(read.values)]:
            self._say("order", f"T{number} read {read}, others {self.orders[read.key]}")

    def _lost(self) -> None:
        """Finds what was known to be there and is in no list that was read later, if one was."""
        last_read: dict[int, int] = defaultdict(int)
        last_seen: dict[tuple[int, int], int] = defaultdict(int)
        for number, read in self._reads():
            began = self.history[number].began
            last_read[read.key] = max(last_read[read.key], began)
            for value in read.values:
                last_seen[read.key, value] = max(last_seen[read.key, value], began)
        for (key, value), writer in self.writer.items():
            if last_read[key] > self.known.get(writer, last_read[key]) >= last_seen[key, value]:
                self._say("lost append", f"T{writer} appended {value} to {key}, and it is gone")

    def _cycles(self) -> None:
        edges = self._edges()
        counted: set[tuple[int, int, str]] = set()
        for kind, edge, back in CYCLES:
            room = _components(_graph(edges, back | {edge}))
            inside = [pair for pair, kinds in edges.items() if edge in kinds and room[pair[0]] == room[pair[1]]]
            way_back = _graph(edges, back) if inside else {}
            for start, end in inside:
                way = [] if (start, end, edge) in counted else _way(way_back, end, start)
                if way:
                    counted.add((start, end, edge))
                    self._say(kind, _told(edge, way, edges, back))

    def _edges(self) -> Edges:
        edges: Edges = defaultdict(set)

        def add(kind: str, start: int | None, end: int | None) -> None:
            if start in self.known and end in self.known and start != end:
                edges[start, end].add(kind)

        for key, order in self.orders.items():
            writers = [self.writer.get((key, value)) for value in order]
            for before, after in itertools.pairwise(writers):
                add("ww", before, after)
        for (number, key), read in self.outside.items():
            order = self.orders[key]
            if read.values == order[: len(read.values)]:
                if read.values:
                    add("wr", self.writer.get((key, read.values[-1])), number)
                if len(order) > len(read.values):
                    add("rw", number, self.writer.get((key, order[len(read.values)])))
        for before, after in self._in_real_time():
            add("rt", before, after)
        return edges

    def _in_real_time(self) -> Iterator[tuple[int, int]]:
        """Who ended before whom began, without what follows from the others."""
        ends = [(self.history[number].ended, 1, number) for number in self.known]
        moments = [(self.history[number].began, 0, number) for number in self.known]
        moments += [(ended, kind, number) for ended, kind, number in ends if ended is not None]
        latest: set[int] = set()
        for _, is_end, number in sorted(moments):
            if is_end:
                began = self.history[number].began
                latest = {each for each in latest if (self.history[each].ended or 0) >= began} | {number}
            else:
                yield from ((each, number) for each in latest)


def _graph(edges: Edges, kinds: set[str]) -> Graph:
    graph: Graph = {}
    for (start, end), there in edges.items():
        if there & kinds:
            graph.setdefault(start, []).append(end)
            graph.setdefault(end, [])
    return graph


def _components(graph: Graph) -> dict[int, int]:
    """For each node a node that stands for its strongly connected component, by Kosaraju's two passes."""
    reverse: Graph = {node: [] for node in graph}
    for node, ends in graph.items():
        for end in ends:
            reverse[end].append(node)
    finished: list[int] = []
    seen: set[int] = set()
    for root in graph:
        finished.extend(_after(graph, root, seen))
    component: dict[int, int] = {}
    seen.clear()
    for root in reversed(finished):
        component |= dict.fromkeys(_after(reverse, root, seen), root)
    return component


def _after(graph: Graph, root: int, seen: set[int]) -> Iterable[int]:
    """The unseen nodes that `root` leads to, each after those that it leads to."""
    if root in seen:
        return
    seen.add(root)
    stack = [(root, iter(graph[root]))]
    while stack:
        node, ends = stack[-1]
        for end in ends:
            if end not in seen:
                seen.add(end)
                stack.append((end, iter(graph[end])))
                break
        else:
            stack.pop()
            yield node


def _way(graph: Graph, start: int, goal: int) -> list[int]:
    """The nodes of a shortest way, empty if there is none."""
    before = {start: start}
    nodes = [start]
    for node in nodes:
        for end in graph.get(node, ()):
            if end not in before:
                before[end] = node
                nodes.append(end)
    if goal not in before:
        return []
    way = [goal]
    while way[-1] != start:
        way.append(before[way[-1]])
    return way[::-1]


def _told(edge: str, way: list[int], edges: Edges, back: set[str]) -> str:
    """A cycle in words: the edge into the way's first node from its last, and the way."""
    steps = [f"T{way[-1]} -{edge}-> T{way[0]}"]
    for start, end in itertools.pairwise(way):
        steps.append(f"-{min(edges[start, end] & back)}-> T{end}")
    return " ".join(steps)

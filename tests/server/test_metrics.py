"""The metrics endpoint."""

import json
from collections.abc import Callable

from prometheus_client.parser import text_string_to_metric_families

from server.world import RAW_ID, World

Make = Callable[..., World]

SHOP = """
@query
def get(ctx, session_id: SessionId) -> int:
    return 1

@mutation
def fail(ctx) -> None:
    raise ValueError("secret")

@mutation
def refuse(ctx) -> None:
    raise FunctionError("no")

@query
def shared(ctx) -> int:
    return 1

@action
async def run(ctx, how: str, function: str) -> None:
    await getattr(ctx, how)(function)
"""


def samples(here: World) -> dict[tuple[str, ...], float]:
    """Every sample: name and the values of its labels in the order of their names, to value."""
    answer = here.request("GET", "/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_off_by_default(world: Make) -> None:
    """Nobody is told what nobody asked for."""
    assert world(shop=SHOP).request("GET", "/metrics").status == 404


def test_calls_by_function_kind_and_outcome(world: Make) -> None:
    """With how long they took."""
    here = world({"metrics": True}, shop=SHOP)
    for _ in range(3):
        here.query("shop:get", sessionId=RAW_ID)
    here.call("query", "shop:get")
    here.call("mutation", "shop:fail")
    here.call("mutation", "shop:refuse")
    there = samples(here)
    calls = {key[1:]: value for key, value in there.items() if key[0] == "pillion_calls_total"}
    assert calls == {
        ("shop:get", "query", "outside", "success", "run"): 1,
        ("shop:get", "query", "outside", "success", "cache"): 2,
        ("shop:get", "query", "outside", "refused", "run"): 1,
        ("shop:fail", "mutation", "outside", "failed", "run"): 1,
        ("shop:refuse", "mutation", "outside", "function_error", "run"): 1,
    }
    assert there["pillion_call_duration_seconds_count", "shop:get", "query", "outside"] == 4
    assert 0 < there["pillion_call_duration_seconds_sum", "shop:get", "query", "outside"] < 60
    assert there[("pillion_functions",)] == 5
    assert there[("pillion_database_bytes",)] > 4096
    assert RAW_ID not in here.request("GET", "/metrics").text


def test_made_up_names_share_one_label(world: Make) -> None:
    """A hundred paths that are not there, and IDs among them, make one more line."""
    here = world({"metrics": True}, shop=SHOP)
    for n in range(100):
        here.call("query", f"shop:x{n}")
    here.call("mutation", "shop:get")
    here.request("POST", "/api/made_up", b"{}")
    calls = {key[1:]: value for key, value in samples(here).items() if key[0] == "pillion_calls_total"}
    assert calls == {
        ("unknown", "query", "outside", "refused", "run"): 100,
        ("unknown", "mutation", "outside", "refused", "run"): 1,
    }


def test_two_apps_count_apart(world: Make) -> None:
    """In one process."""
    one, two = world({"metrics": True}, shop=SHOP), world({"metrics": True}, shop=SHOP)
    one.query("shop:get", sessionId=RAW_ID)
    assert [key for key in samples(one) if key[:2] == ("pillion_calls_total", "shop:get")]
    assert [key for key in samples(two) if key[0] == "pillion_calls_total"] == []


def calls_of(here: World, path: str) -> dict[tuple[str, ...], float]:
    """Kind, origin, outcome and source, to how many."""
    return {key[2:]: n for key, n in samples(here).items() if key[:2] == ("pillion_calls_total", path)}


def test_calls_of_actions(world: Make) -> None:
    """Apart from those from outside, with how they ended; what the cache answers is no run."""
    here = world({"metrics": True}, shop=SHOP)
    for kind, path in (("query", "shop:shared"), ("query", "shop:shared"), ("mutation", "shop:refuse")):
        here.call("action", "shop:run", how=f"run_{kind}", function=path)
    for kind, path in (("mutation", "shop:fail"), ("query", "shop:gone"), ("query", "shop:get")):
        here.call("action", "shop:run", how=f"run_{kind}", function=path)
    assert calls_of(here, "shop:shared") == {
        ("query", "inside", "success", "run"): 1,
        ("query", "inside", "success", "cache"): 1,
    }
    assert calls_of(here, "shop:refuse") == {("mutation", "inside", "function_error", "run"): 1}
    assert calls_of(here, "shop:fail") == {("mutation", "inside", "failed", "run"): 1}
    assert calls_of(here, "unknown") == {("query", "inside", "refused", "run"): 1}
    assert calls_of(here, "shop:get") == {("query", "inside", "refused", "run"): 1}
    assert sum(calls_of(here, "shop:run").values()) == 6


def test_calls_of_a_batch_and_by_run(world: Make) -> None:
    """Each call of a batch counts; one by its address has the function's kind."""
    here = world({"metrics": True}, shop=SHOP)
    queries = [
        {"path": "shop:shared", "args": {}},
        {"path": "shop:shared", "args": {}},
        {"path": "shop:no", "args": {}},
    ]
    here.request("POST", "/api/query_batch", json.dumps({"queries": queries}).encode())
    here.request("POST", "/api/run/shop/shared", b'{"args": {}}')
    assert calls_of(here, "shop:shared") == {
        ("query", "outside", "success", "run"): 1,
        ("query", "outside", "success", "cache"): 2,
    }
    assert calls_of(here, "unknown") == {("query", "outside", "refused", "run"): 1}


def test_a_replayed_answer(world: Make) -> None:
    """Is counted as one; a mutation that fails runs every time."""
    here = world({"metrics": True}, shop=SHOP + "\n@mutation\ndef do(ctx) -> int:\n    return 1\n")
    for path in ("shop:do", "shop:refuse"):
        for _ in range(3):
            body = json.dumps({"path": path, "args": {}}).encode()
            here.request("POST", "/api/mutation", body, {"idempotency-key": f"a-key-of-the-call-{path}"})
    assert calls_of(here, "shop:do") == {
        ("mutation", "outside", "success", "run"): 1,
        ("mutation", "outside", "success", "replay"): 2,
    }
    assert calls_of(here, "shop:refuse") == {("mutation", "outside", "function_error", "run"): 3}


def test_a_stranger_is_not_told(world: Make) -> None:
    """The guard stands before it."""
    here = world({"metrics": True}, shop=SHOP)
    assert here.request("GET", "/metrics", headers={"host": "evil.test"}).status == 400
    assert here.request("GET", "/metrics", headers={"origin": "https://evil.test"}).status == 403

"""The metrics endpoint."""

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
        ("shop:get", "query", "success"): 3,
        ("shop:get", "query", "refused"): 1,
        ("shop:fail", "mutation", "failed"): 1,
        ("shop:refuse", "mutation", "function_error"): 1,
    }
    assert there["pillion_call_duration_seconds_count", "shop:get", "query"] == 4
    assert 0 < there["pillion_call_duration_seconds_sum", "shop:get", "query"] < 60
    assert there[("pillion_functions",)] == 3
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
    assert calls == {("unknown", "query", "refused"): 100, ("unknown", "mutation", "refused"): 1}


def test_two_apps_count_apart(world: Make) -> None:
    """In one process."""
    one, two = world({"metrics": True}, shop=SHOP), world({"metrics": True}, shop=SHOP)
    one.query("shop:get", sessionId=RAW_ID)
    assert ("pillion_calls_total", "shop:get", "query", "success") not in samples(two)


def test_a_stranger_is_not_told(world: Make) -> None:
    """The guard stands before it."""
    here = world({"metrics": True}, shop=SHOP)
    assert here.request("GET", "/metrics", headers={"host": "evil.test"}).status == 400
    assert here.request("GET", "/metrics", headers={"origin": "https://evil.test"}).status == 403

"""The session of a request to an app of one's own: what is read, what is refused, and that frameworks answer 400."""

import asyncio
import io
import json
import logging
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlencode

import django
import flask
import httpx
import pytest
from django.conf import settings
from django.core.exceptions import BadRequest as DjangoBadRequest
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse, QueryDict
from django.test import RequestFactory
from django.urls import path as django_path
from starlette.applications import Starlette
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest as WerkzeugBadRequest

from pillion_server import BadSession, IncomingSessions, SessionId, StartError
from pillion_server.sessions import Digests
from pillion_shared import PillionError
from server.world import OTHER_ID, RAW_ID, World

SECRET = b"a" * 32
DIGEST = str(Digests(SECRET).of(RAW_ID))
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=xx"

Pairs = list[tuple[str, str]]
Ask = Callable[[IncomingSessions, Pairs, bytes], tuple[int, str]]

urls = ModuleType("urls")
urls.urlpatterns = []  # type: ignore[attr-defined]
settings.configure(ALLOWED_HOSTS=["testserver"], ROOT_URLCONF=urls, SECRET_KEY="x")
django.setup(set_prefix=False)


def ask_starlette(reader: IncomingSessions, headers: Pairs, body: bytes) -> tuple[int, str]:
    """The status and the text of an app that answers with the digest."""

    async def view(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(reader(request, await request.body())))

    async def post() -> httpx.Response:
        app = httpx.ASGITransport(Starlette(routes=[Route("/", view, methods=["POST"])]))
        async with httpx.AsyncClient(transport=app, base_url="http://shop.example") as client:
            return await client.post("/", headers=headers, content=body)

    answer = asyncio.run(post())
    return answer.status_code, answer.text


def ask_flask(reader: IncomingSessions, headers: Pairs, body: bytes) -> tuple[int, str]:
    """The same."""
    app = flask.Flask("shop")
    app.post("/")(lambda: str(reader(flask.request)))
    answer = app.test_client().post("/", headers=headers, data=body)
    return answer.status_code, answer.text


def ask_django(reader: IncomingSessions, headers: Pairs, body: bytes) -> tuple[int, str]:
    """The same."""
    urls.urlpatterns[:] = [django_path("", lambda request: HttpResponse(str(reader(request))))]
    environ = django_request(headers, body).environ
    statuses: list[str] = []
    answer = WSGIHandler()(environ, lambda status, _: statuses.append(status))
    text = b"".join(answer).decode()
    answer.close()
    return int(statuses[0].split()[0]), text


def django_request(headers: Pairs, body: bytes = b"", method: str = "POST") -> Any:
    """One whose headers are joined as a WSGI server joins them."""
    joined: dict[str, str] = {}
    for name, value in headers:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return RequestFactory().generic(method, "/", body, joined.pop("Content-Type", ""), headers=joined)


ASKS = {"starlette": ask_starlette, "flask": ask_flask, "django": ask_django}
ERRORS = {"starlette": HTTPException, "flask": WerkzeugBadRequest, "django": DjangoBadRequest}


@pytest.fixture(params=ASKS)
def ask(request: pytest.FixtureRequest) -> Ask:
    """Every framework's."""
    return ASKS[request.param]


@pytest.fixture(autouse=True)
def fresh_urls() -> Iterator[None]:
    """Django keeps the URLs that it has once resolved."""
    django.urls.clear_url_caches()
    yield
    urls.urlpatterns.clear()


def authorized(value: str) -> Pairs:
    return [("Authorization", value)]


def multipart(*fields: tuple[str, str]) -> bytes:
    parts = [f'--xx\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields]
    return "".join([*parts, "--xx--\r\n"]).encode()


IN_HEADERS = [
    ([], None),
    (authorized(f"Session {RAW_ID}"), DIGEST),
    (authorized(f"session {RAW_ID}"), DIGEST),
    (authorized(f"SESSION   {RAW_ID}  "), DIGEST),
    (authorized(f"Session\t{RAW_ID}"), DIGEST),
    ([("authorization", f"Session {RAW_ID}")], DIGEST),
    ([("X-Session", RAW_ID)], DIGEST),
    ([("x-session", f" {RAW_ID} ")], DIGEST),
    ([*authorized(f"Session {RAW_ID}"), ("X-Session", RAW_ID)], DIGEST),
    ([*authorized("Bearer abc"), ("X-Session", RAW_ID)], DIGEST),
    (authorized(f"Bearer {RAW_ID}"), None),
    (authorized("Basic c2Vzc2lvbjpzZXNzaW9u"), None),
    (authorized(f"SessionToken {RAW_ID}"), None),
    (authorized('Digest username="a, session b", realm="x"'), None),
    (authorized(RAW_ID), None),
    (authorized(""), None),
    ([*authorized("Bearer a"), *authorized("Basic b")], None),
    ([("X-Other", RAW_ID)], None),
    (authorized("Session"), 400),
    (authorized("Session "), 400),
    (authorized("Session undefined"), 400),
    (authorized(f'Session "{RAW_ID}"'), 400),
    (authorized(f'Session {RAW_ID[:16]}"x"{RAW_ID[16:]}'), 400),
    (authorized(f"Session {RAW_ID} {RAW_ID}"), 400),
    (authorized(f"Session {RAW_ID * 5}"), 400),
    (authorized(f"Session {DIGEST}"), 400),
    (authorized(f"Session {RAW_ID},"), 400),
    (authorized(f"Session {RAW_ID}, Session {RAW_ID}"), 400),
    (authorized(f"Bearer abc, Session {RAW_ID}"), 400),
    (authorized(f"Session {RAW_ID}") * 2, 400),
    ([*authorized(f"Session {RAW_ID}"), *authorized(f"Session {OTHER_ID}")], 400),
    ([*authorized("Bearer abc"), *authorized(f"Session {RAW_ID}")], 400),
    ([("X-Session", "")], 400),
    ([("X-Session", "null")], 400),
    ([("X-Session", f"Session {RAW_ID}")], 400),
    ([("X-Session", f"{RAW_ID}, {RAW_ID}")], 400),
    ([("X-Session", RAW_ID), ("X-Session", RAW_ID)], 400),
    ([("X-Session", RAW_ID), ("X-Session", OTHER_ID)], 400),
    ([*authorized(f"Session {RAW_ID}"), ("X-Session", OTHER_ID)], 400),
    ([*authorized(f"Session {RAW_ID}"), ("X-Session", "")], 400),
]


@pytest.mark.parametrize(("headers", "expected"), IN_HEADERS)
def test_headers(ask: Ask, headers: Pairs, expected: str | int | None) -> None:
    """What is there once is read; what is wrong or there twice is refused, and never repeated."""
    check(ask(IncomingSessions(SECRET, header="X-Session"), headers, b""), expected)


@pytest.mark.parametrize(("headers", "expected"), IN_HEADERS)
def test_a_mapping_of_headers(headers: Pairs, expected: str | int | None) -> None:
    """Names in any case; Starlette's may hold one twice, a dict has them joined."""
    reader = IncomingSessions(SECRET, header="X-Session")
    joined = django_request(headers).headers
    for given in (Headers(raw=[(name.lower().encode(), value.encode()) for name, value in headers]), dict(joined)):
        if expected == 400:
            with pytest.raises(BadSession):
                reader(given)
        else:
            assert reader(given) == expected


@pytest.mark.parametrize(
    ("headers", "body", "sentence"),
    [
        (authorized("Session x"), {}, "What the header Authorization holds is no session ID: 20 to 128 characters"),
        (authorized(f"Session {RAW_ID},"), {}, "The header Authorization is given more than once: send one"),
        ([("X-Session", f"{RAW_ID},{RAW_ID}")], {}, "The header X-Session is given more than once"),
        ([], {"id": ""}, "What the field 'id' of the body holds is no session ID"),
        ([], {"id": 7}, "The field 'id' of the body is not a string"),
        ([], FormData([("id", "a"), ("id", "b")]), "The field 'id' of the body is given more than once"),
        ([("X-Session", RAW_ID)], {"id": OTHER_ID}, "in the header X-Session and the field 'id' of the body differ"),
    ],
)
def test_a_refusal_says_where(headers: Pairs, body: Any, sentence: str) -> None:
    """In the words of whoever sends requests."""
    with pytest.raises(BadSession) as caught:
        IncomingSessions(SECRET, header="X-Session", field="id")(dict(headers), body)
    assert sentence in str(caught.value)
    assert RAW_ID not in str(caught.value)


def test_only_what_was_named_is_read(ask: Ask) -> None:
    """Neither a header nor the body counts unasked."""
    body = json.dumps({"sessionId": OTHER_ID}).encode()
    headers = [*authorized(f"Session {RAW_ID}"), ("X-Session", OTHER_ID), ("Content-Type", JSON)]
    check(ask(IncomingSessions(SECRET), headers, body), DIGEST)
    check(ask(IncomingSessions(SECRET), headers[1:], body), None)


def test_a_dict_with_one_name_in_two_cases() -> None:
    """It is two headers."""
    with pytest.raises(BadSession, match="more than once"):
        IncomingSessions(SECRET)({"Authorization": f"Session {RAW_ID}", "authorization": f"Session {RAW_ID}"})


IN_BODY = [
    (JSON, b"", None),
    (JSON, b"{}", None),
    (JSON, b'{"other": [{"sessionId": "%s"}]}' % RAW_ID.encode(), None),
    (JSON, b'{"n": 1, "sessionId": "%s"}' % RAW_ID.encode(), DIGEST),
    (JSON, b'{"a": {"b": 1, "b": 2}, "sessionId": "%s"}' % RAW_ID.encode(), DIGEST),
    ("Application/JSON; charset=utf-8", b'{"sessionId": "%s"}' % RAW_ID.encode(), DIGEST),
    ("application/problem+json", b'{"session\\u0049d": "%s"}' % RAW_ID.encode(), DIGEST),
    ("text/plain", b'{"sessionId": "%s"}' % RAW_ID.encode(), DIGEST),
    ("text/plain", b"hello", None),
    ("application/octet-stream", b"\x00\xff", None),
    (JSON, b'{"sessionId": ""}', 400),
    (JSON, b'{"sessionId": "undefined"}', 400),
    (JSON, b'{"sessionId": null}', 400),
    (JSON, b'{"sessionId": 12345678901234567890}', 400),
    (JSON, b'{"sessionId": ["%s"]}' % RAW_ID.encode(), 400),
    (JSON, b'{"sessionId": {"id": "%s"}}' % RAW_ID.encode(), 400),
    (JSON, b'{"sessionId": "%s", "sessionId": "%s"}' % (RAW_ID.encode(), RAW_ID.encode()), 400),
    ("text/plain", b'{"sessionId": "%s", "session\\u0049d": null}' % RAW_ID.encode(), 400),
    (JSON, b'["sessionId", "%s"]' % RAW_ID.encode(), 400),
    (JSON, b'[["sessionId", "%s"]]' % RAW_ID.encode(), 400),
    (JSON, b'"%s"' % RAW_ID.encode(), 400),
    (JSON, b"null", 400),
    ("application/json ; charset=utf-8", b"[]", 400),
    ("application/problem+json", b"[]", 400),
    (JSON, b'{"sessionId": "%s"' % RAW_ID.encode(), 400),
    (JSON, b'\xff{"sessionId": "%s"}' % RAW_ID.encode(), 400),
    (JSON, b"[" * 100_000, 400),
    (JSON, b"1" * 10_000, 400),
    (FORM, b"", None),
    (FORM, b"a=1&b", None),
    (FORM, urlencode({"a": "1 2", "sessionId": RAW_ID}).encode(), DIGEST),
    (FORM, b"session%49d=" + RAW_ID.encode(), DIGEST),
    (FORM + "; charset=utf-8", b"a=%ff&sessionId=" + RAW_ID.encode(), DIGEST),
    (FORM, b"sessionId", 400),
    (FORM, b"sessionId=", 400),
    (FORM, b"sessionId=null", 400),
    (FORM, b"sessionId=%22" + RAW_ID.encode() + b"%22", 400),
    (FORM, urlencode([("sessionId", RAW_ID)] * 2).encode(), 400),
    (FORM, urlencode([("sessionId", RAW_ID), ("sessionId", "")]).encode(), 400),
]


@pytest.mark.parametrize(("media", "body", "expected"), IN_BODY, ids=lambda value: repr(value)[:60])
def test_bodies(ask: Ask, media: str, body: bytes, expected: str | int | None) -> None:
    """JSON, unless the Content-Type says that it is a form."""
    check(ask(IncomingSessions(SECRET, field="sessionId"), [("Content-Type", media)], body), expected)


@pytest.mark.parametrize("ask", [ask_flask, ask_django])
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([], None),
        ([("sessionId", RAW_ID), ("a", "1")], DIGEST),
        ([("sessionId", "")], 400),
        ([("sessionId", RAW_ID)] * 2, 400),
    ],
)
def test_multipart_bodies(ask: Ask, fields: Pairs, expected: str | int | None) -> None:
    """The framework parses them."""
    answer = ask(IncomingSessions(SECRET, field="sessionId"), [("Content-Type", MULTIPART)], multipart(*fields))
    check(answer, expected)


def test_multipart_in_bytes_is_refused() -> None:
    """It isn't taken for a body without the field; Django parses only those of a POST."""
    body = multipart(("sessionId", RAW_ID))
    check(ask_starlette(IncomingSessions(SECRET, field="sessionId"), [("Content-Type", MULTIPART)], body), 400)
    with pytest.raises(BadSession, match="parsed form"):
        IncomingSessions(SECRET, field="sessionId")(django_request([("Content-Type", MULTIPART)], body, "PUT"))


@pytest.mark.parametrize("field", [RAW_ID, OTHER_ID])
def test_a_header_and_a_body(ask: Ask, field: str) -> None:
    """The ID is the same in both, or the request is refused."""
    headers = [*authorized(f"Session {RAW_ID}"), ("Content-Type", JSON)]
    body = json.dumps({"sessionId": field}).encode()
    check(ask(IncomingSessions(SECRET, field="sessionId"), headers, body), DIGEST if field == RAW_ID else 400)


PARSED = [
    ({}, None),
    ({"sessionId": RAW_ID}, DIGEST),
    ({"sessionId": None}, 400),
    ({"sessionId": [RAW_ID]}, 400),
    ({"sessionId": "short"}, 400),
    ([RAW_ID], 400),
    (7, 400),
    (True, 400),
    (f'{{"sessionId": "{RAW_ID}"}}', DIGEST),
    (bytearray(f'{{"sessionId": "{RAW_ID}"}}', "utf-16"), DIGEST),
    (FormData([("sessionId", RAW_ID), ("a", "1")]), DIGEST),
    (FormData([("a", "1")]), None),
    (FormData([("sessionId", RAW_ID), ("sessionId", OTHER_ID)]), 400),
    (FormData([("sessionId", UploadFile(io.BytesIO()))]), 400),
    (MultiDict([("sessionId", RAW_ID)]), DIGEST),
    (MultiDict([("sessionId", RAW_ID), ("sessionId", RAW_ID)]), 400),
    (QueryDict(f"sessionId={RAW_ID}"), DIGEST),
    (QueryDict(f"sessionId={RAW_ID}&sessionId={OTHER_ID}"), 400),
    (QueryDict(""), None),
]


@pytest.mark.parametrize(("body", "expected"), PARSED, ids=lambda value: repr(value)[:40])
@pytest.mark.parametrize("request_", [{}, Request({"type": "http", "headers": []})], ids=["mapping", "starlette"])
def test_parsed_bodies(request_: Mapping[str, str], body: Any, expected: str | int | None) -> None:
    """A dict of JSON, and the forms of the frameworks, whose fields may be there twice."""
    reader = IncomingSessions(SECRET, field="sessionId")
    if expected == 400:
        with pytest.raises(BadSession) as caught:
            reader(request_, body)
        assert isinstance(caught.value, HTTPException) == bool(request_ != {})
    else:
        assert reader(request_, body) == expected


def check(answer: tuple[int, str], expected: str | int | None) -> None:
    """The answer is the digest, or 400 without an ID in it."""
    if expected == 400:
        assert answer[0] == 400
        assert RAW_ID not in answer[1]
        assert OTHER_ID not in answer[1]
    else:
        assert answer == (200, str(expected))


@pytest.mark.parametrize("name", ASKS)
def test_a_refusal_is_of_pillion_and_of_the_framework(name: str) -> None:
    """It can be caught as either; it says what is wrong, and neither it nor what led to it holds the ID."""
    caught: list[Any] = []
    reader = IncomingSessions(SECRET, field="sessionId")

    def read(request: Any, body: Any = None) -> SessionId | None:
        try:
            return reader(request, body)
        except ERRORS[name] as error:
            caught.append(error)
            raise

    body = f'{{"sessionId": "{RAW_ID}"'.encode()
    status, text = ASKS[name](read, [("Content-Type", JSON)], body)  # type: ignore[arg-type]
    [error] = caught
    assert (status, error.status, str(error), error.message) == (400, 400, *["The body is not a JSON object."] * 2)
    assert isinstance(error, BadSession)
    assert isinstance(error, PillionError)
    assert (error.__context__, error.__cause__, type(error).__name__) == (None, None, "BadSession")
    assert RAW_ID not in repr(error) + repr(error.args) + repr(vars(error))
    assert name == "django" or str(error) in text  # Django has a page without reasons


@pytest.mark.parametrize("ask", ASKS.values())
def test_an_app_may_catch_a_refusal(ask: Ask) -> None:
    """And answer otherwise."""
    reader = IncomingSessions(SECRET)

    def read(request: Any, body: Any = None) -> str:
        try:
            return str(reader(request, body))
        except BadSession as error:
            return f"caught {error.status}"

    assert ask(read, authorized("Session short"), b"") == (200, "caught 400")  # type: ignore[arg-type]


def test_without_a_framework_a_refusal_is_pillions_alone() -> None:
    """Its caller answers."""
    with pytest.raises(BadSession) as caught:
        IncomingSessions(SECRET)({"Authorization": f"Session {RAW_ID}!"})
    assert type(caught.value) is BadSession
    assert caught.value.status == 400
    assert RAW_ID not in repr(caught.value)


def test_no_framework_is_imported() -> None:
    """Neither by the import nor for a request that is read."""
    code = (
        "import sys; from pillion_server import IncomingSessions; IncomingSessions(b'a' * 32)({});"
        "print(sorted({'flask', 'werkzeug', 'django'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"


def test_flask_can_still_read_its_request() -> None:
    """Before and after, raw and as a form."""
    reader = IncomingSessions(SECRET, field="sessionId")
    app = flask.Flask("shop")
    body = f"sessionId={RAW_ID}"
    for first in ("path", "form", "data", "stream"):
        with app.test_request_context("/", method="POST", data=body, content_type=FORM):
            getattr(flask.request, first)
            assert reader(flask.request) == reader(flask.request._get_current_object()) == DIGEST
            assert flask.request.form["sessionId"] == RAW_ID
    with app.test_request_context("/", method="POST", data=body, content_type=FORM):
        reader(flask.request)
        assert flask.request.get_data() == body.encode()
    with app.test_request_context("/", method="POST", json={"sessionId": RAW_ID}):
        assert flask.request.get_json() == {"sessionId": RAW_ID}
        assert reader(flask.request) == DIGEST


@pytest.mark.parametrize(
    ("media", "body"), [(FORM, f"sessionId={RAW_ID}".encode()), (MULTIPART, multipart(("sessionId", RAW_ID)))]
)
def test_django_may_have_read_its_request(media: str, body: bytes) -> None:
    """Its CSRF check reads the form before any view does."""
    reader = IncomingSessions(SECRET, field="sessionId")
    request = django_request([("Content-Type", media)], body)
    assert request.POST["sessionId"] == RAW_ID
    assert reader(request) == DIGEST
    request = django_request([("Content-Type", media)], body)
    assert reader(request) == DIGEST
    assert request.POST["sessionId"] == RAW_ID


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (Request({"type": "http", "headers": []}), r"pass body=await request\.body\(\)"),
        ({}, r"pass body=\.\.\."),
        (django_request([]).headers, r"pass body=\.\.\."),
    ],
    ids=["starlette", "dict", "django's headers"],
)
def test_a_field_needs_a_body(given: Any, sentence: str) -> None:
    """Even where a header has the ID: the app is written wrongly."""
    with pytest.raises(TypeError, match=sentence):
        IncomingSessions(SECRET, field="sessionId")(given)
    assert IncomingSessions(SECRET)(given) is None


def test_what_is_no_request() -> None:
    """Nor a body, such as one that was not awaited."""
    reader = IncomingSessions(SECRET, field="sessionId")
    with pytest.raises(TypeError, match="A str is no request"):
        reader(f"Session {RAW_ID}")
    body = asyncio.sleep(0)
    with pytest.raises(TypeError, match="not a coroutine"):
        reader({}, body)
    body.close()


def test_a_session_is_that_of_the_functions(world: Callable[..., World], tmp_path: Path) -> None:
    """Under the secret of the database, whether it is in use or was found by another path."""
    shop = world(shop="@query\ndef me(ctx, session_id: SessionId) -> str:\n    return session_id")
    link = tmp_path / "link.sqlite3"
    link.symlink_to(shop.database)
    expected = shop.query("shop:me", sessionId=RAW_ID)
    for path in (shop.database, str(link)):
        session = IncomingSessions.beside(path)({"Authorization": f"Session {RAW_ID}"})
        assert session == expected
        assert type(session) is SessionId
        assert session.via is None
    other = IncomingSessions(tmp_path / "other.secret")({"Authorization": f"Session {RAW_ID}"})
    assert other not in {None, expected}


def test_what_became_of_a_session_is_not_looked_up(world: Callable[..., World]) -> None:
    """The functions see a new one when theirs has ended."""
    shop = world(
        shop="@query\ndef me(ctx, session_id: SessionId) -> str:\n    return session_id\n"
        "@mutation\ndef end(ctx, session_id: SessionId) -> None:\n    ctx.sessions.invalidate(session_id)"
    )
    reader = IncomingSessions.beside(shop.database)
    before = shop.query("shop:me", sessionId=RAW_ID)
    shop.mutation("shop:end", sessionId=RAW_ID)
    assert reader({"Authorization": f"Session {RAW_ID}"}) == before != shop.query("shop:me", sessionId=RAW_ID)


def test_a_reader_may_come_before_the_database(tmp_path: Path) -> None:
    """The secret that it makes is the database's, then."""
    path = tmp_path / "world0" / "data.sqlite3"
    reader = IncomingSessions.beside(path, header="X-Session", field="sessionId")
    shop = World(tmp_path / "world0", shop="@query\ndef me(ctx, session_id: SessionId) -> str:\n    return session_id")
    try:
        assert reader({"x-session": RAW_ID}, {"sessionId": RAW_ID}) == shop.query("shop:me", sessionId=RAW_ID)
    finally:
        shop.close()


def test_a_database_that_had_lost_its_secret(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is told, as the server tells it; not for a database that is new."""
    with caplog.at_level(logging.WARNING, "pillion_server"):
        IncomingSessions.beside(tmp_path / "new.sqlite3")
        assert caplog.messages == []
        (tmp_path / "old.sqlite3").touch()
        IncomingSessions.beside(tmp_path / "old.sqlite3")
    assert len(caplog.messages) == 1
    assert "sessions start afresh" in caplog.messages[0]


def test_the_secret_is_made_once(tmp_path: Path) -> None:
    """With its folder, for its owner alone; another reader has the same one."""
    path = tmp_path / "data" / "app.secret"
    given = {"Authorization": f"Session {RAW_ID}"}
    session = IncomingSessions(path)(given)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert IncomingSessions(str(path))(given) == session == Digests(path.read_bytes()).of(RAW_ID)


def test_what_can_be_no_secret(tmp_path: Path) -> None:
    """Too short, or where no file can be."""
    with pytest.raises(ValueError, match="32 bytes, this one 5"):
        IncomingSessions(b"short")
    (tmp_path / "file").write_bytes(b"short")
    with pytest.raises(StartError, match="restore it, or remove it"):
        IncomingSessions(tmp_path / "file")
    with pytest.raises(StartError, match="can't be made"):
        IncomingSessions(tmp_path / "file" / "folder" / "app.secret")


def test_the_header_is_another_one() -> None:
    """`Authorization` has a scheme before the ID."""
    with pytest.raises(ValueError, match="is read anyway"):
        IncomingSessions(SECRET, header="authorization")

"""Public means exported: the names of the three packages, as they are promised."""

import importlib
import types

import pytest

PUBLIC = {
    "pillion": """
        ABSENT ASGITransport Change Client Connection CookieStorage EncodingError EventStream FetchResponse
        FetchTransport FunctionError Int64 IndexedDBStorage InvalidIdError LentStorage LiveQuery MemoryStorage
        NoSessionError NotReadyError PENDING PaginatedQuery PathError PillionError RandomnessError RefreshError
        Request Response SKIPPED ServerSentEvent Session SessionError SessionId SessionProvider StorageError
        StorageReport TransportError Watch WebSocket WebStorage api is_session_id lend show use_session
    """,
    "pillion_shared": """
        ABSENT EncodingError FunctionError Int64 InvalidIdError NoSessionError NotReadyError
        PathError PillionError RandomnessError Reference RefreshError SessionError SessionId
        StorageError TransportError api canonical decode encode is_session_id is_token is_uuid4 path_of
        show token uuid4
    """,
    "pillion_server": """
        ActionCtx ArgumentError Auth BadSession CallError Custom DatabaseError DatabaseReader DatabaseWriter
        DefinitionError Document Function FunctionError Id Identity Int64 JwtAuth LimitError Login MutationCtx
        Page PaginationOptions Query QueryCtx Registry Schema SessionId IncomingSessions SessionsReader
        SessionsWriter StartError Table action api create_app custom_action custom_ctx custom_mutation
        custom_query id_of internal_action internal_mutation internal_query mutation query
        run_session_functions
    """,
}


@pytest.mark.parametrize("package", PUBLIC)
def test_public_names(package: str) -> None:
    """A name more or less is a decision, taken here."""
    exported = importlib.import_module(package).__all__
    assert set(exported) == set(PUBLIC[package].split())
    assert len(exported) == len(set(exported))


@pytest.mark.parametrize("package", PUBLIC)
def test_every_public_name_is_there(package: str) -> None:
    """And none of them is a module that only happens to have the name."""
    module = importlib.import_module(package)
    assert [name for name in module.__all__ if isinstance(getattr(module, name), types.ModuleType)] == []


def test_what_both_sides_export_is_the_same_thing() -> None:
    """An error that the page catches is the class that the server raises."""
    client, server = importlib.import_module("pillion"), importlib.import_module("pillion_server")
    both = set(client.__all__) & set(server.__all__) - {"SessionId"}  # the server's is a digest, not an ID
    assert both
    assert [name for name in both if getattr(client, name) is not getattr(server, name)] == []

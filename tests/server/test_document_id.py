"""IDs that say of which table they are. What a call makes of them is in test_signature.py and test_returns.py."""

import pytest

from pillion_server import DefinitionError, Id, id_of
from pillion_server.document_id import DocumentId, is_id_of

UserId = Id["users"]


def test_an_id_is_a_text_of_its_table() -> None:
    """Equal to the plain one, and of one type per table."""
    made = DocumentId.of_table("users")("users:x")
    assert made == "users:x"
    assert isinstance(made, str)
    assert type(made) is UserId
    assert UserId is Id["users"] is not Id["carts"]
    assert UserId.__name__ == 'Id["users"]'
    assert id_of("users", "users:x") == made


@pytest.mark.parametrize("value", ["carts:x", "users", "users:", ":x", "", "users:" + "x" * 200, None, 7, b"users:x"])
def test_what_is_no_id_of_the_table(value: object) -> None:
    """It is refused and not repeated."""
    with pytest.raises(ValueError, match=r"^not the ID of a document in 'users'$"):
        id_of("users", value)


@pytest.mark.parametrize("table", ["_users", "a b", "", 7, None])
def test_what_is_no_table(table: object) -> None:
    """It is refused where it is written."""
    with pytest.raises(DefinitionError):
        DocumentId.of_table(table)
    with pytest.raises(DefinitionError):
        UserId.of_table("users")


def test_an_id_of_no_table() -> None:
    """There is none."""
    with pytest.raises(TypeError, match=r'Id\["users"\]'):
        DocumentId("users:x")


def test_what_the_database_gives_is_one() -> None:
    """The form is that of `insert`."""
    assert is_id_of("cart_items", "cart_items:AbC-_9")
    assert not is_id_of("cart", "cart_items:AbC-_9")

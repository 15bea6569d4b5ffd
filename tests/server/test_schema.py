"""Schemas: tables and indexes, declared."""

from typing import TypedDict

import pytest

from pillion_server import DefinitionError, Schema, Table
from pillion_server.schema import BY_CREATION_TIME


def test_an_index_belongs_to_its_table() -> None:
    """Declared indexes are found by table and name, and every table has the one by time of creation."""
    schema = Schema(items=Table().index("by_owner", "owner", "day"), users=Table())
    assert schema.index("items", "by_owner").fields == ("owner", "day")
    assert [index.name for index in schema.indexes_of("items")] == [BY_CREATION_TIME, "by_owner"]
    assert [index.name for index in schema.indexes_of("never_declared")] == [BY_CREATION_TIME]


def test_index_leaves_the_table_as_it_was() -> None:
    """`index` gives a new table."""
    table = Table()
    table.index("by_owner", "owner")
    assert table.indexes == ()


def test_a_changed_index_has_another_number() -> None:
    """So its entries are made anew at the next start."""
    numbers = {
        Schema(items=Table().index("by_owner", "owner")).indexes[0].number,
        Schema(items=Table().index("by_owner", "owner", "day")).indexes[0].number,
        Schema(items=Table().index("by_user", "owner")).indexes[0].number,
        Schema(things=Table().index("by_owner", "owner")).indexes[0].number,
        Schema(things=Table().index("by_owner", "ow", "ner")).indexes[0].number,
    }
    assert len(numbers) == 5


def test_an_unknown_index_says_what_to_write() -> None:
    """The message names what there is and the line that is missing."""
    schema = Schema(items=Table().index("by_owner", "owner"))
    with pytest.raises(DefinitionError, match=r"'by_day' \(declared: by_owner\).*items=Table\(\)\.index\('by_day'"):
        schema.index("items", "by_day")


@pytest.mark.parametrize("name", ["", "_items", "a b", "é", "x" * 65, "1a", "a:b"])
def test_bad_table_names(name: str) -> None:
    """A table's name is part of every ID of its documents."""
    with pytest.raises(DefinitionError, match="can't name a table"):
        Schema(**{name: Table()})
    with pytest.raises(DefinitionError, match="can't name a table"):
        Schema().by_creation_time(name)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("by x", ("x",)),
        (BY_CREATION_TIME, ("x",)),
        ("by_x", ()),
        ("by_x", ("x", "x")),
        ("by_x", ("_id",)),
        ("a", ("b",)),
    ],
)
def test_bad_indexes(name: str, fields: tuple[str, ...]) -> None:
    """Refused where they are declared."""
    with pytest.raises(DefinitionError):
        Table().index("a", "b").index(name, *fields)


def test_misuse() -> None:
    """What is no name of an index or a field, and what is no table."""
    for wrong in ((3, "x"), ("by_x", 3)):
        with pytest.raises(DefinitionError, match=r"index\(\) takes names, .*, not 3"):
            Table().index(*wrong)  # type: ignore[arg-type]
    with pytest.raises(DefinitionError, match=r"Schema\(items=...\) takes a Table\(\), not an object of type"):
        Schema(items=Item)  # type: ignore[arg-type]


class Item(TypedDict):
    """What a declared table holds."""

    owner: str


def test_declared_documents() -> None:
    """By table; `index` keeps them."""
    schema = Schema(items=Table(Item).index("by_owner", "owner"), things=Table())
    [type] = schema.document_types
    assert (type.table, schema.document_type("items")) == ("items", type)
    assert schema.document_type("things") is None
    assert schema.document_type("never_declared") is None


def test_an_index_over_a_field_that_no_document_has() -> None:
    """A slip that would make an index of nothing."""
    with pytest.raises(DefinitionError, match="'by_owner' of 'items' is over 'ownr', which Item doesn't have"):
        Schema(items=Table(Item).index("by_owner", "ownr"))

"""Function paths and the references that spell them."""

from types import SimpleNamespace

import pytest

from pillion_shared import PathError, api, canonical, path_of, show


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("cart:add", "cart:add"),
        ("cart.js:add", "cart:add"),
        ("shop/cart:add", "shop/cart:add"),
        ("cart", "cart:default"),
        ("cart.js", "cart:default"),
        ("a.b:c", "a.b:c"),
        ("_private:_f1", "_private:_f1"),
        ("m" * 64 + ":" + "f" * 64, "m" * 64 + ":" + "f" * 64),
    ],
)
def test_a_path_has_one_spelling(written: str, path: str) -> None:
    """Every accepted spelling comes to the canonical one, which stays as it is."""
    assert canonical(written) == path
    assert canonical(path) == path


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "no module"),
        (":add", "no module"),
        ("cart:", "no function"),
        ("cart:2add", "no function"),
        ("cart:___", "no function"),
        ("cart:a-b", "no function"),
        ("cart:" + "f" * 65, "no function"),
        ("m" * 65 + ":f", "no module"),
        ("/cart:add", "no module"),
        ("shop//cart:add", "no module"),
        ("../secret:add", "no module"),
        ("shop/..:add", "no module"),
        ("ca rt:add", "no module"),
        ("a:b:c", "no module"),
        ("x" * 100_000, "no module"),
    ],
)
def test_what_is_no_path_is_refused_with_the_reason(written: str, reason: str) -> None:
    """The message names the fault, and never repeats a long path whole."""
    with pytest.raises(PathError, match=reason) as caught:
        canonical(written)
    assert len(str(caught.value)) < 200


def test_api_spells_paths() -> None:
    """Attributes name modules, the last one the function."""
    assert str(api.cart.add) == "cart:add"
    assert str(api.shop.cart.add) == "shop/cart:add"
    assert repr(api.cart.add) == "api.cart.add"
    with pytest.raises(PathError, match=r"api\.cart\.add, not api\.cart"):
        str(api.cart)
    with pytest.raises(AttributeError):
        _ = api._hidden


def test_a_function_is_named_in_three_ways() -> None:
    """A string, a reference, or anything with a path."""
    assert path_of("cart.js:add") == "cart:add"
    assert path_of(api.cart.add) == "cart:add"
    assert path_of(SimpleNamespace(path="cart:add")) == "cart:add"
    with pytest.raises(PathError, match="not by a int"):
        path_of(3)


@pytest.mark.parametrize("before", ["", "cart:", "cart/", "3"])
def test_a_session_id_in_place_of_a_path_is_not_repeated(before: str) -> None:
    """It is shown as IDs are."""
    session_id = "3b241101-e2bb-4255-8caf-4136c566a962"
    for path in (before + session_id, getattr(api, session_id)):
        with pytest.raises(PathError, match="sess_") as caught:
            path_of(path)
        assert session_id not in str(caught.value)
    with pytest.raises(PathError, match=show(session_id)):
        path_of(session_id)

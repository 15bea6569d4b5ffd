"""Who calls, by the claims of a token."""

from pillion_server import Auth, Identity

CLAIMS = {"iss": "https://login.example", "sub": "ada", "aud": "shop", "roles": ["admin"]}


def test_what_it_has() -> None:
    """Issuer, subject, both in one, and the claims, which are everybody's own copy."""
    identity = Identity.of({**CLAIMS, "exp": 1, "iat": 1, "nbf": 1, "jti": "x"})
    assert (identity.issuer, identity.subject) == ("https://login.example", "ada")
    assert identity.token_identifier == "https://login.example|ada"
    identity.claims["roles"].append("more")
    assert identity.claims == CLAIMS
    assert "admin" not in repr(identity)


def test_which_are_equal() -> None:
    """Those with equal claims, but for what tells of the token alone: a fresh one changes nothing."""
    first, fresh = Identity.of({**CLAIMS, "exp": 1}), Identity.of({"exp": 2, **dict(reversed(CLAIMS.items()))})
    assert first == fresh
    assert hash(first) == hash(fresh)
    assert first != Identity.of({**CLAIMS, "roles": []})


def test_it_is_noted_who_asks() -> None:
    """By which answers that are for one caller are told from those for everybody."""
    auth = Auth(Identity.of(CLAIMS))
    assert not auth.asked
    assert auth.identity() == Identity.of(CLAIMS)
    assert auth.asked
    assert Auth().identity() is None

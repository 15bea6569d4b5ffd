"""A visitor of the demos: a real session over the real server, in this process."""

import asyncio
from typing import Any

import pytest

from pillion import ASGITransport, Client, FunctionError, SessionProvider, api


class Visitor:
    """A session of the demo, with a client of its own."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.session = SessionProvider(Client("/api", ASGITransport(app)), storage="memory").session

    def query(self, function: Any, **args: object) -> Any:
        return asyncio.run(self.session.query(function, **args))

    def mutation(self, function: Any, **args: object) -> Any:
        return asyncio.run(self.session.mutation(function, **args))

    def documents(self, table: str) -> Any:
        """Every document of a table, as it lies behind the functions."""
        return asyncio.run(self.app.state.database.read(lambda reading: reading.db.query(table).collect()))

    def refused(self, function: Any, **args: object) -> str:
        """The code with which a mutation is refused; what it says in words is there as well."""
        with pytest.raises(FunctionError) as caught:
            self.mutation(function, **args)
        data = caught.value.data
        assert isinstance(data, dict)
        assert data["message"].endswith((".", "letters."))
        return str(data["code"])

    def log_in(self, name: str, password: str = "tea") -> None:
        def login(new: str) -> Any:
            return self.session.mutation(api.users.login, name=name, password=password, new=new)

        asyncio.run(self.session.refresh(login))

    def log_out(self) -> None:
        asyncio.run(self.session.refresh(lambda _new: self.session.mutation(api.users.logout)))

    def cart(self) -> dict[str, int]:
        """Product to quantity."""
        return {line["product"]: line["quantity"] for line in self.query(api.cart.get)["lines"]}

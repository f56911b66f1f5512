"""The bank's page on which the customer approves or declines a payment."""

from urllib.parse import parse_qs

from sandbox import pages
from sandbox.asgi import Call, Routes
from sandbox.engine import Operation
from sandbox.service import Service, awaits_customer
from sandbox.shapes import Refused


class CustomerPage:
    """`/authenticate/{reference}`."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def routes(self) -> Routes:
        return {("GET", "/authenticate/"): self._ask, ("POST", "/authenticate/"): self._decide}

    async def _waiting(self, call: Call) -> Operation | None:
        operation = await self.service.look_up(call.path.removeprefix("/authenticate/"))
        if operation is not None and operation.entry.kind == "authorize":
            return operation
        await call.send(404, pages.missing(), pages.HEADERS)
        return None

    async def _ask(self, call: Call) -> None:
        operation = await self._waiting(call)
        if operation is not None:
            waits = awaits_customer(operation)
            page = pages.question(operation) if waits else pages.done(operation, _return_url(call, operation))
            await call.send(200, page, pages.HEADERS)

    async def _decide(self, call: Call) -> None:
        form = parse_qs((await call.body()).decode("latin-1"))
        action = form.get("action", [""])[-1]
        if action not in ("approve", "decline"):
            raise Refused(400, "invalid_action", "`action` is approve or decline.")
        operation = await self._waiting(call)
        if operation is not None:
            await self.service.authenticate(operation, approved=action == "approve")
            await self._send_back(call, operation)

    async def _send_back(self, call: Call, operation: Operation) -> None:
        location = pages.with_status(_return_url(call, operation), operation)
        if location is None:
            await call.send(200, pages.done(operation, None), pages.HEADERS)
        else:
            await call.redirect(location)


def _return_url(call: Call, operation: Operation) -> str | None:
    return call.query("return_url") or operation.entry.return_url

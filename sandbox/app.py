"""The sandbox acquirer over ASGI: `uvicorn sandbox.app:app`, data in `$SANDBOX_DATA_DIR`."""

import os
from pathlib import Path

from sandbox.acquirer import Acquirer
from sandbox.asgi import Call, Handler, Receive, Scope, Send
from sandbox.control import Control
from sandbox.customer import CustomerPage
from sandbox.journal import JournalError
from sandbox.service import Service
from sandbox.shapes import Refused

DEFAULT_DATA_DIR = ".florin/sandbox"


class App:
    """Routes calls to the service of one data directory."""

    def __init__(self, data_dir: Path) -> None:
        self.service = Service(data_dir)
        rooms = Acquirer(self.service), CustomerPage(self.service), Control(self.service)
        self._routes = {address: handler for room in rooms for address, handler in room.routes().items()}
        # An address that ends in a slash stands for everything below it.
        self._below = [(method, path, handler) for (method, path), handler in self._routes.items() if path.endswith("/")]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._answer(Call(scope, receive, send))
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await send({"type": "websocket.close"})

    async def _answer(self, call: Call) -> None:
        try:
            await self._handler(call)(call)
        except Refused as refused:
            await call.json(refused.status, {"error": refused.code, "message": refused.message})

    async def _live(self, receive: Receive, send: Send) -> None:
        """From the server's start to its end; it does not start where the data directory cannot be used."""
        await receive()
        try:
            await self.service.start()
        except (JournalError, OSError) as error:
            await send({"type": "lifespan.startup.failed", "message": f"sandbox: {error}"})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.service.stop()
        await send({"type": "lifespan.shutdown.complete"})

    def _handler(self, call: Call) -> Handler:
        found = self._routes.get((call.method, call.path))
        if found is not None:
            return found
        for method, path, handler in self._below:
            if call.path.startswith(path) and call.method == method:
                return handler
        return self._refuse(call)

    def _refuse(self, call: Call) -> Handler:
        for _, path in self._routes:
            if call.path == path or (path.endswith("/") and call.path.startswith(path)):
                raise Refused(405, "method_not_allowed", f"{call.method} is not for this address.")
        raise Refused(404, "not_found", "There is nothing at this address.")


app = App(Path(os.environ.get("SANDBOX_DATA_DIR", DEFAULT_DATA_DIR)))

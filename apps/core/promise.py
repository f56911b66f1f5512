"""What becomes of something that cannot be called back once it was begun: a command, a call of a gateway."""

import asyncio
from typing import Any, TypeVar

T = TypeVar("T")


class Promise(asyncio.Future[T]):
    """Who waits for it and is cancelled hears of that only when it is kept or broken: so a flow can go on with what
    came of it, and a shield around every future would cost more than the future. Who makes one sees that it ends."""

    def cancel(self, msg: Any | None = None) -> bool:
        return False

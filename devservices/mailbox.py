"""A mail server for development: every mail it accepts is a file before the sender hears "250".

`python -m devservices.mailbox` listens on 127.0.0.1:$EMAIL_PORT and writes into $MAILBOX_DIR.
"""

from __future__ import annotations

import asyncio
import os
import signal
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session

LARGEST_MAIL_BYTES = 25 * 1024 * 1024


class Mailbox:
    """Writes each mail to `folder`, named by the time of its arrival."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """The whole mail is on disk under its final name."""
        head = f"X-Envelope-From: {envelope.mail_from}\r\nX-Envelope-To: {', '.join(envelope.rcpt_tos)}\r\n"
        content = envelope.content or b""
        self.keep(head.encode() + (content if isinstance(content, bytes) else content.encode()))
        return "250 OK"

    def keep(self, mail: bytes) -> Path:
        """Readers that list *.eml never see half a mail."""
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{uuid.uuid4().hex[:8]}"
        scratch, final = self.folder / f".{name}.part", self.folder / f"{name}.eml"
        with scratch.open("wb") as file:
            file.write(mail)
            file.flush()
            os.fsync(file.fileno())
        scratch.rename(final)
        return final


async def serve(folder: Path, port: int) -> None:
    """Mails are taken until the process is asked to stop."""
    from aiosmtpd.smtp import SMTP

    box, loop, stopped = Mailbox(folder), asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    server = await loop.create_server(
        lambda: SMTP(box, enable_SMTPUTF8=True, data_size_limit=LARGEST_MAIL_BYTES, hostname="localhost"),
        host="127.0.0.1",
        port=port,
    )
    print(f"mailbox: 127.0.0.1:{port} -> {folder}", flush=True)
    async with server:
        await stopped.wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(os.environ["MAILBOX_DIR"]), int(os.environ["EMAIL_PORT"])))

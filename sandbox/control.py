"""The test bench: faults, clock, journal, settlement and its files."""

import asyncio

from sandbox.asgi import Call, Routes, decoder
from sandbox.faults import FaultSettings
from sandbox.service import Service
from sandbox.shapes import ClockRequest, Refused, SettlementFaults, SettleRequest

_CHUNK = 256 * 1024
_FAULTS = decoder(FaultSettings)
_CLOCK = decoder(ClockRequest)
_SETTLE = decoder(SettleRequest)
_SETTLEMENT_FAULTS = decoder(SettlementFaults)


class Control:
    """`/control` and `/files`. Whoever reaches these can do anything: keep the sandbox on the loopback."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def routes(self) -> Routes:
        return {
            ("GET", "/control/faults"): self._get_faults,
            ("POST", "/control/faults"): self._set_faults,
            ("GET", "/control/clock"): self._get_clock,
            ("POST", "/control/clock"): self._set_clock,
            ("GET", "/control/journal"): self._journal,
            ("POST", "/control/settle"): self._settle,
            ("GET", "/control/settlements"): self._settlements,
            ("GET", "/control/settlement_faults"): self._get_settlement_faults,
            ("POST", "/control/settlement_faults"): self._set_settlement_faults,
            ("GET", "/files/"): self._files,
        }

    async def _get_faults(self, call: Call) -> None:
        await call.json(200, self.service.faults.settings)

    async def _set_faults(self, call: Call) -> None:
        self.service.faults.set(_FAULTS(await call.body()))
        await self._get_faults(call)

    async def _get_clock(self, call: Call) -> None:
        clock = self.service.clock
        await call.json(200, {"now": clock.now(), "unix": clock.now_us() / 1e6, "shift_s": clock.shift_us / 1e6})

    async def _set_clock(self, call: Call) -> None:
        await self.service.set_clock(_CLOCK(await call.body()))
        await self._get_clock(call)

    async def _journal(self, call: Call) -> None:
        after = call.query("after") or "0"
        if not (after.isascii() and after.isdigit() and len(after) < 16):
            raise Refused(400, "invalid_after", "`after` is the number of a journal line.")
        begin, end = self.service.journal.lines(int(after))
        await call.start(200, end - begin, ((b"content-type", b"application/x-ndjson"),))
        for position in range(begin, max(end, begin + 1), _CHUNK):
            stop = min(position + _CHUNK, end)
            await call.part(self.service.journal.read(position, stop), last=stop == end)

    async def _settle(self, call: Call) -> None:
        request = _SETTLE(await call.body())
        payouts = await self.service.settle(request)
        await call.json(200, {"date": request.date, "payouts": payouts})

    async def _settlements(self, call: Call) -> None:
        await call.json(200, {"settlements": self.service.books.settlements})

    async def _get_settlement_faults(self, call: Call) -> None:
        await call.json(200, self.service.settlement_faults)

    async def _set_settlement_faults(self, call: Call) -> None:
        self.service.settlement_faults = _SETTLEMENT_FAULTS(await call.body())
        await self._get_settlement_faults(call)

    async def _files(self, call: Call) -> None:
        kind, _, name = call.path.removeprefix("/files/").partition("/")
        if kind not in ("settlement", "bank"):
            raise Refused(404, "not_found", "Files are of the kinds settlement and bank.")
        if not name:
            listed = [facts for (one, _), facts in sorted(self.service.published.items()) if one == kind]
            await call.json(200, {"files": listed})
        else:
            await self._file(call, kind, name)

    async def _file(self, call: Call, kind: str, name: str) -> None:
        # Only names that were published are looked for, so no name can lead out of the folder.
        facts = self.service.published.get((kind, name))
        if facts is None:
            raise Refused(404, "not_found", "There is no such file.")
        data = await asyncio.to_thread(self.service.path_of(facts).read_bytes)
        media = b"text/csv; charset=utf-8" if kind == "settlement" else b"application/xml"
        disposition = f'attachment; filename="{name}"'.encode()
        await call.send(200, data, ((b"content-type", media), (b"content-disposition", disposition)))

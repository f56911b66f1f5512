"""The acquirer's API, and how it misbehaves."""

import asyncio
import hashlib
from typing import Any

import msgspec

from sandbox import tokens
from sandbox.answers import answer
from sandbox.asgi import Call, Handler, Routes, decoder
from sandbox.engine import Operation
from sandbox.faults import PLAIN, Plan, plan_for_token
from sandbox.service import Service
from sandbox.shapes import Authorize, Capture, Refund, Request, Void

_encode = msgspec.json.encode
_NOT_FOUND = _encode({"error": "not_found"})


class Acquirer:
    """`/v1` and `/tokens`."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def routes(self) -> Routes:
        return {
            ("POST", "/v1/authorize"): self._operation(Authorize),
            ("POST", "/v1/capture"): self._operation(Capture),
            ("POST", "/v1/void"): self._operation(Void),
            ("POST", "/v1/refund"): self._operation(Refund),
            ("GET", "/v1/operations/"): self._look_up,
            ("GET", "/tokens"): self._tokens,
            ("GET", "/healthz"): self._health,
        }

    def _operation(self, shape: type[Request]) -> Handler:
        decode = decoder(shape)

        async def handle(call: Call) -> None:
            body = await call.body()
            if await self._blocked(call):
                return
            request = decode(body)
            plan = self._plan(request)
            operation = await self.service.operate(request) if plan.effect else None
            if plan is PLAIN and operation is not None:
                await call.json_bytes(200, self._answer(call, operation))
            else:
                await self._misbehave(call, plan, operation)

        return handle

    def _answer(self, call: Call, operation: Operation) -> bytes:
        waiting = operation.status == "requires_action"
        return _encode(answer(operation, call.base_url() if waiting else ""))

    def _plan(self, request: Request) -> Plan:
        """A token misbehaves at the first call only: resending or looking up tells what happened."""
        if isinstance(request, Authorize) and request.reference not in self.service.state.operations:
            behaviour = tokens.find(request.payment_method).behaviour
            if behaviour != "answer":
                return plan_for_token(behaviour)
        return self.service.faults.plan()

    async def _blocked(self, call: Call) -> bool:
        """The latency has passed; True where the call fell into the black hole and is not to be answered."""
        settings = self.service.faults.settings
        if settings.latency_ms:
            await asyncio.sleep(settings.latency_ms / 1000)
        if not settings.blackhole:
            return False
        while self.service.faults.settings.blackhole:
            if await call.left_within(0.25):
                return True
        await call.cut()
        return True

    async def _misbehave(self, call: Call, plan: Plan, operation: Operation | None) -> None:
        settings = self.service.faults.settings
        wait_s = {"timeout": settings.timeout_s, "slow": settings.slow_s}.get(plan.how, 0)
        if wait_s and await call.left_within(wait_s):
            return
        if plan.how == "error":
            await call.json(plan.status, {"error": "internal_error", "message": "The acquirer failed."})
        elif operation is None or plan.how == "reset":
            await call.cut()
        elif plan.how == "drip":
            await call.drip(self._answer(call, operation), settings.drip_s)
        else:
            await call.json_bytes(200, _damaged(plan, self._answer(call, operation)))

    async def _look_up(self, call: Call) -> None:
        if self.service.faults.settings.latency_ms or self.service.faults.settings.blackhole:
            await call.body()
            if await self._blocked(call):
                return
        operation = await self.service.look_up(call.path.removeprefix("/v1/operations/"))
        if operation is None:
            await call.json_bytes(404, _NOT_FOUND)
        else:
            await call.json_bytes(200, self._answer(call, operation))

    async def _tokens(self, call: Call) -> None:
        await call.json(200, tokens.TOKENS)

    async def _health(self, call: Call) -> None:
        await call.json(200, {"status": "ok", "seq": self.service.journal.durable_seq})


def _damaged(plan: Plan, body: bytes) -> bytes:
    if plan.how == "truncated":
        return body[: len(body) // 2]
    if plan.how == "wrong_reference":
        wrong: dict[str, Any] = msgspec.json.decode(body)
        other = hashlib.blake2b(wrong["reference"].encode(), digest_size=10).hexdigest()
        return _encode({**wrong, "reference": f"att_other_{other}"})
    return body

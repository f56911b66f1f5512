"""Statements over HTTP: listed, shown, downloaded. A merchant sees only its own."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from apps.core import ids
from apps.core.api import lists
from apps.core.api.openapi import Binary, ListOf, describe
from apps.core.api.types import Shape
from apps.core.errors import InvalidRequest
from apps.merchants.api.views_base import FlorinView
from apps.statements import selectors, services
from apps.statements.api import shapes
from apps.statements.api.shapes import ListStatements, Statement
from apps.statements.domain import MEDIA_TYPES


class Nothing(Shape):
    """No parameters."""


class Statements(FlorinView):
    scope = {"GET": "statements:read"}

    @describe("List statements", request=ListStatements, response=ListOf(Statement), tag="Statements")
    def get(self, request: Request) -> HttpResponse:
        params = self.params(ListStatements)
        if params.expand:
            raise InvalidRequest(param="expand[0]", reason="a statement has nothing to expand.")
        at = lists.keyset(params, prefix="stmt", created="issued_at")
        rows = selectors.merchant_statements(
            merchant_id=self.caller.merchant_id,
            livemode=self.caller.livemode,
            month=shapes.first_day(params.month),
            currency=params.currency,
            at=at,
        )
        return self.shown(lists.page(rows, at, "/v1/statements", shapes.render_statement))


class _OneStatement(FlorinView):
    scope = {"GET": "statements:read"}

    def statement(self, id_: str) -> dict[str, Any]:
        """The caller's statement.  Raises: InvalidId, NotFound."""
        self.params(Nothing)
        found: UUID = ids.decode("stmt", id_)
        return selectors.merchant_statement(merchant_id=self.caller.merchant_id, livemode=self.caller.livemode, statement_id=found)


class OneStatement(_OneStatement):
    @describe("Retrieve a statement", response=Statement, tag="Statements")
    def get(self, request: Request, id: str) -> HttpResponse:
        return self.shown(shapes.render_statement(self.statement(id)))


class _StatementFile(_OneStatement):
    suffix: str

    def download(self, id_: str) -> HttpResponse:
        """The file as it was issued; 304 when the client has it."""
        statement = self.statement(id_)
        etag = f'"{statement[f"{self.suffix}_sha256"]}"'
        if etag in self.request.META.get("HTTP_IF_NONE_MATCH", ""):
            response = HttpResponse(status=304)
        else:
            response = HttpResponse(services.file(statement, suffix=self.suffix), content_type=MEDIA_TYPES[self.suffix])
            response["Content-Disposition"] = f'attachment; filename="{selectors.file_name(statement, self.suffix)}"'
        return self._finished(response, etag)

    def _finished(self, response: HttpResponse, etag: str) -> HttpResponse:
        headers = {"ETag": etag, "Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"}
        for name, value in {**headers, **self.rate_headers}.items():
            response[name] = value
        return response


class StatementPdf(_StatementFile):
    suffix = "pdf"

    @describe("Download a statement as PDF", response=Binary("application/pdf"), tag="Statements", errors=(503,))
    def get(self, request: Request, id: str) -> HttpResponse:
        return self.download(id)


class StatementCsv(_StatementFile):
    suffix = "csv"

    @describe("Download a statement as CSV", response=Binary("text/csv"), tag="Statements", errors=(503,))
    def get(self, request: Request, id: str) -> HttpResponse:
        return self.download(id)

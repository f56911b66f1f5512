"""The HTTP API through Django's test client, as one merchant."""

from typing import Any

from django.test import Client


class Api:
    """Requests with one key."""

    def __init__(self, secret: str) -> None:
        self.headers = {"Authorization": f"Bearer {secret}"}
        self.client = Client(raise_request_exception=False)

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/v1/{path}", query, headers=self.headers)

    def post(self, path: str, document: Any, **headers: str) -> Any:
        return self.client.post(f"/v1/{path}", document, content_type="application/json", headers=self.headers | headers)

    def delete(self, path: str) -> Any:
        return self.client.delete(f"/v1/{path}", headers=self.headers)

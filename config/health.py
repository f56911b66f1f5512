"""Liveness and readiness, for the supervisor and the load balancer."""

from django.db import connection
from django.db.utils import Error as DatabaseError
from django.http import HttpRequest, JsonResponse


def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the process answers at all."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """200 when PostgreSQL answers; Redis is not needed to take payments, so it is only reported."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM django_migrations LIMIT 1")
    except DatabaseError:
        return JsonResponse({"status": "unavailable", "postgresql": "down"}, status=503, headers={"Retry-After": "1"})
    return JsonResponse({"status": "ok", "postgresql": "up"})

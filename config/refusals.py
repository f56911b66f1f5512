"""What staff see of a page that is not theirs to see."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403 in the admin's dress, with the way back; plain outside of it."""
    if not request.path.startswith("/admin/"):
        return HttpResponse("Not allowed.\n", status=403, content_type="text/plain; charset=utf-8")
    context = admin.site.each_context(request) | {"title": "Not allowed", "path": request.path}
    return render(request, "admin/403.html", context, status=403)

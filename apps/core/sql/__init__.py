"""SQL files beside the migrations that load them."""

from importlib import resources

from django.db import migrations


def read(app: str, file: str) -> str:
    """The text of `apps/<app>/sql/<file>`; `app` is dotted, for example `apps.ledger`."""
    return resources.files(app).joinpath("sql", file).read_text(encoding="utf-8")


def run(app: str, file: str, reverse: str = migrations.RunSQL.noop) -> migrations.RunSQL:
    """A migration operation that runs the whole file as written, `%` included."""
    return migrations.RunSQL([(read(app, file), None)], reverse)

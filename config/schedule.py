"""What beat pokes, and how often. `manage.py prepare` writes new entries to the database, where the
admin may change them. Beat only pokes: due times and claims are in PostgreSQL, so a poke too many
does nothing."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Poke:
    task: str
    every_s: int


POKES: dict[str, Poke] = {
    "Recover payments whose outcome is unknown": Poke("payments.recover_unknown", 5),
    "Release funds that became available": Poke("payments.release_funds", 60),
    "Send webhooks and consequences that are due": Poke("events.sweep", 5),
    "Compare hot answers with classic ones": Poke("shadow.compare", 2),
    "Forget old shadow answers": Poke("shadow.forget", 3600),
    "Turn failing endpoints classic": Poke("cutover.roll_back_where_due", 5),
    "Tell staff of endpoints turned classic": Poke("cutover.tell_rollbacks", 10),
    "Seal new ledger entries": Poke("ledger.seal", 60),
    "End holds that are past their time": Poke("ledger.expire_holds", 60),
    "Collect settlement and bank files": Poke("reconciliation.collect", 60),
    "Close the month that is over": Poke("closing.close_due_month", 60),
    "Make and mail statements that are due": Poke("statements.sweep", 30),
    "Forget old idempotency records": Poke("idempotency.purge", 3600),
    "Make next months' partitions": Poke("core.ensure_partitions", 86400),
}

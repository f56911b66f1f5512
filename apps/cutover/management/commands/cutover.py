import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core import ids
from apps.core.errors import FlorinError
from apps.cutover import selectors, services
from apps.cutover.domain import CLASSIC, ENDPOINTS, EVERY, HOT, plans
from apps.cutover.models import Switch

INHERIT = "inherit"


class Command(BaseCommand):
    help = "Shows and throws the switches between the hot endpoints and their classic twins; effective within a second."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("show", help="where each endpoint's requests go, who said so, and why")
        throw = verbs.add_parser("set", help="where an endpoint's requests go from now on")
        throw.add_argument("endpoint", help=f"an endpoint's name, or '{EVERY}' for all")
        throw.add_argument("to", choices=[HOT, CLASSIC, INHERIT], help=f"{INHERIT}: as the less specific switch says")
        throw.add_argument("--percent", type=int, default=100, help="of its requests; the others go the other way")
        throw.add_argument("--merchant", help="this account's only (acct_…)")
        back = verbs.add_parser("rollback", help="everything goes one way, whatever was said for single endpoints and merchants")
        back.add_argument("to", choices=[HOT, CLASSIC])
        back.add_argument("--endpoint", default=EVERY, help="this endpoint only")
        for verb in (throw, back):
            verb.add_argument("--reason", required=True)
            verb.add_argument("--by", default=None, help="who; else the account that runs the command")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['verb']}")(**options)
        except FlorinError as error:
            raise CommandError(error.text) from None
        if options["verb"] != "show":
            self._show()

    def _show(self, **_: Any) -> None:
        said = [switch for switch in selectors.switches() if switch.hot_percent is not None]
        now, thrown = plans(selectors.rules()), {switch.endpoint: switch for switch in said if switch.merchant_id is None}
        for endpoint in ENDPOINTS:
            switch = thrown.get(endpoint) or thrown.get(EVERY)
            why = f"{switch.changed_at:%Y-%m-%d %H:%M:%S}  {_why(switch)}" if switch else "as from the start"
            self.stdout.write(f"{endpoint:26}{_way(now[endpoint].others):22}{why}")
        for switch in said:
            if switch.merchant_id is not None and switch.hot_percent is not None:
                account = ids.encode("acct", switch.merchant_id)
                self.stdout.write(f"{switch.endpoint:26}{_way(switch.hot_percent):22}{account}  {_why(switch)}")

    def _set(self, *, endpoint: str, to: str, percent: int, merchant: str | None, reason: str, by: str | None, **_: Any) -> None:
        shares = {HOT: percent, CLASSIC: 100 - percent, INHERIT: None}
        account = None if merchant is None else ids.decode("acct", merchant, "merchant")
        thrown = services.throw(endpoint=endpoint, hot_percent=shares[to], actor=by or _me(), reason=reason, merchant_id=account)
        self.stdout.write("Thrown; every process follows within a second." if thrown else "It was so already.")
        if apart := selectors.out_of_reach(endpoint, account):
            self.stdout.write(selectors.said_of(apart))

    def _rollback(self, *, to: str, endpoint: str, reason: str, by: str | None, **_: Any) -> None:
        many = services.roll_back(to=to, endpoint=endpoint, actor=by or _me(), reason=reason)
        self.stdout.write(f"{many} switches thrown; every process follows within a second." if many else "It was so already.")


def _me() -> str:
    return f"{getpass.getuser()} (command)"


def _why(switch: Switch) -> str:
    return f"{switch.changed_by}: {switch.reason.removeprefix(f'{services.AUTOMATIC}: ')}"


def _way(percent: int) -> str:
    return {100: HOT, 0: CLASSIC}.get(percent, f"{percent} % hot")

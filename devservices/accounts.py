"""Which account the servers run as."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass

UNPRIVILEGED = ("postgres", "_postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """An entry of the machine's user table."""

    name: str
    uid: int
    gid: int

    def become(self) -> None:
        """This process has the account's rights and no way back; a no-op when it is already ours."""
        if os.geteuid() == self.uid:
            return
        os.setgroups([])
        os.setgid(self.gid)
        os.setuid(self.uid)


def service_account() -> Account:
    """Ours; or, when we are root, an existing unprivileged one (PostgreSQL refuses to run as root)."""
    if os.geteuid() != 0:
        return _account(pwd.getpwuid(os.geteuid()))
    for name in UNPRIVILEGED:
        try:
            return _account(pwd.getpwnam(name))
        except KeyError:
            continue
    return Account(name="65534", uid=65534, gid=65534)


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)

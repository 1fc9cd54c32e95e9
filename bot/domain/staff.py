"""Who works at the console, and what each role may do there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,31}")
"""Login names: 2 to 32 characters that can be typed on any keyboard and stand in an address. Case does not count."""
LONGEST_NAME, MOST_GROUPS = 40, 20


class Role(StrEnum):
    """What somebody is there for."""

    STAFF = "staff"
    LEAD = "lead"
    EDITOR = "editor"
    ADMIN = "admin"


class Permission(StrEnum):
    """What can be allowed."""

    READ_TICKETS = "read-tickets"
    WORK_TICKETS = "work-tickets"
    ASSIGN = "assign"
    """Give tickets to others, and take them from others."""
    INCIDENTS = "incidents"
    REPORTS = "reports"
    EXPORT = "export"
    MISTAKES = "mistakes"
    """The lists of conversations in which the bot was wrong about the topic."""
    ACCOUNTS = "accounts"
    AUDIT = "audit"
    FORGET = "forget"
    """Delete a merchant's data at the merchant's wish."""


_WORK = frozenset({Permission.READ_TICKETS, Permission.WORK_TICKETS})
_ALLOWED = {
    Role.STAFF: _WORK,
    Role.LEAD: _WORK | {Permission.ASSIGN, Permission.INCIDENTS, Permission.REPORTS, Permission.EXPORT, Permission.FORGET},
    Role.EDITOR: frozenset({Permission.READ_TICKETS, Permission.REPORTS, Permission.MISTAKES}),
    Role.ADMIN: frozenset(Permission),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody with an account. `login` is in lower case and never changes; `name` is what colleagues and merchants see. `groups` are the queues that
    somebody serves. `must_change`: the password is one that somebody else knows. `created` is in microseconds UTC. `telegram` is the id of the person there, by
    which the staff's group knows who acts."""

    login: str
    name: str
    role: Role
    groups: tuple[str, ...] = ()
    on_duty: bool = False
    disabled: bool = False
    must_change: bool = False
    created: int = 0
    telegram: int | None = None


def may(member: Member, permission: Permission) -> bool:
    """Whether a member may do something: nobody who is disabled or still has a first password may do anything."""
    return not (member.disabled or member.must_change) and permission in _ALLOWED[member.role]


def login_of(typed: str) -> str | None:
    """The login name that somebody typed, in lower case; None when it cannot be one."""
    login = typed.strip().lower()
    return login if typed.isascii() and LOGIN.fullmatch(login) else None


def name_of(typed: str) -> str:
    """A name as it is kept: one line, no more than 40 characters; empty when nothing is left."""
    return " ".join("".join(character if character.isprintable() else " " for character in typed).split())[:LONGEST_NAME]


def groups_of(typed: str) -> tuple[str, ...]:
    """Groups from a list with commas, Chinese ones too: each once, in order, no more than 20."""
    names = [name_of(part) for part in re.split("[,\N{FULLWIDTH COMMA}\N{IDEOGRAPHIC COMMA}]", typed)]
    return tuple(dict.fromkeys(name for name in names if name))[:MOST_GROUPS]

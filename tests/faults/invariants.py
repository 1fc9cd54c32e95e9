"""What must hold whatever happened, read from the database and from what the other app wrote down."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.domain.tickets import OWNERS, Act

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from pathlib import Path

    Query = Callable[[str], Sequence[Sequence[Any]]]

MARK = re.compile(r"(?<![0-9])1002[0-9]{4}(?![0-9])")
"""A number that one merchant tells and no other (`mark`)."""


def mark(number: int) -> str:
    """The number of a merchant's terminal, which nobody else may ever see."""
    return f"1002{number:04}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A line as the other app wrote it down, in the order in which lines came. `unclear`: it was written down, but the bot was not told so."""

    id: str
    merchant: str
    conversation: str
    line: int
    bubbles: tuple[str, ...]
    at: float
    unclear: bool


def written_down(log: Path) -> list[Told]:
    """What came; a last line that was cut by a kill of the app itself does not count."""
    rows = (json.loads(line) for line in log.read_text("utf-8").splitlines() if line.endswith("}"))
    return [
        Told(
            id=row["id"], merchant=row["merchant"], conversation=row["conversation"], line=row["line"], bubbles=tuple(row["bubbles"]), at=row["came"],
            unclear=bool(row["fault"]),
        )
        for row in rows
    ]  # fmt: skip


def broken(query: Query, acknowledged: Collection[str], came: Sequence[Told], *, in_flight: int, poisoned: int = 0) -> list[str]:
    """The promises that do not hold, in words. `acknowledged` are the ids of the messages that were answered with 202; `in_flight` is how many lines may have
    been on their way when somebody was killed, so that nobody could know whether they had come; `poisoned` messages had to be put aside.

    I10 is `hidden`.
    """
    doubled = in_flight + sum(told.unclear for told in came)
    checks = (
        _kept(query, acknowledged), _ended(query, poisoned), _counted(query), _tickets(query), _answered(query), _delivered(query, came, doubled),
        _in_order(came), owned(query), _private(query, came),
    )  # fmt: skip
    return [problem for problems in checks for problem in problems]


def _kept(query: Query, acknowledged: Collection[str]) -> Iterable[str]:
    """I1: every acknowledged message has exactly one row."""
    rows = Counter(ext_id.rpartition("/")[2] for (ext_id,) in query("SELECT ext_id FROM inbox WHERE kind <> 'silent'"))
    if lost := [id for id in acknowledged if rows[id] != 1]:
        yield f"{len(lost)} acknowledged messages are not there once, such as {lost[:3]}"


def _ended(query: Query, poisoned: int) -> Iterable[str]:
    """I2: every row came to an end, with a reason if it was put aside."""
    ((waiting,),) = query("SELECT count(*) FROM inbox WHERE status = 'new'")
    ((silent,),) = query("SELECT count(*) FROM inbox WHERE status = 'dead' AND coalesce(error, '') = ''")
    ((dead,),) = query("SELECT count(*) FROM inbox WHERE status = 'dead'")
    if waiting or silent or dead != poisoned:
        yield f"{waiting} events wait, {dead} were put aside, {silent} of them without a reason"


def _counted(query: Query) -> Iterable[str]:
    """I3: a conversation was stepped at least once, and never more often than it had events."""
    rows = query("SELECT c.version, count(i.id) FROM conversation AS c JOIN inbox AS i ON i.conversation = c.id GROUP BY c.id, c.version")
    if wrong := [row for row in rows if not 1 <= row[0] <= row[1]]:
        yield f"{len(wrong)} conversations have other versions than steps, such as {wrong[:3]}"


def _tickets(query: Query) -> Iterable[str]:
    """I4: at most one open ticket per conversation, one per event that opened it, which is one of its own."""
    ((most,),) = query("SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM ticket WHERE status <> 'closed' GROUP BY conversation) AS open")
    ((same,),) = query("SELECT count(*) - count(DISTINCT origin) FROM ticket")
    ((foreign,),) = query("SELECT count(*) FROM ticket AS t JOIN inbox AS i ON i.id = t.origin WHERE i.conversation <> t.conversation")
    if most > 1 or same or foreign:
        yield f"{most} open tickets in one conversation, {same} tickets of the same event, {foreign} of another conversation's"


def _answered(query: Query) -> Iterable[str]:
    """I5: every event that is done has its line in the transcript, and every line of the bot its delivery; an event that is not done has neither."""
    ((unheard,),) = query(
        "SELECT count(*) FROM inbox AS i WHERE kind <> 'silent' AND status = 'done'"
        " AND NOT EXISTS (SELECT 1 FROM message AS m WHERE m.event = i.id AND m.side = 'merchant')"
    )
    ((unanswered,),) = query(
        "SELECT count(*) FROM message AS m WHERE m.side = 'bot' AND NOT EXISTS (SELECT 1 FROM outbox AS o WHERE o.message = m.id AND o.status = 'sent')"
    )
    ((twice,),) = query("SELECT count(*) FROM (SELECT event FROM message WHERE side = 'merchant' GROUP BY event HAVING count(*) > 1) AS doubled")
    ((early,),) = query("SELECT count(*) FROM message AS m JOIN inbox AS i ON i.id = m.event WHERE i.status = 'new'")
    if unheard or unanswered or twice or early:
        yield f"{unheard} messages without a line, {twice} with two, {unanswered} answers not sent, {early} lines of events that are not done"


def _delivered(query: Query, came: Sequence[Told], doubled: int) -> Iterable[str]:
    """I6: every line came; those that came more often are at most those of which nobody knew."""
    times = Counter(told.line for told in came)
    expected = {id for (id,) in query("SELECT message FROM outbox")}
    if missing := expected - set(times):
        yield f"{len(missing)} lines never came"
    if foreign := set(times) - expected:
        yield f"{len(foreign)} lines came that nobody sent"
    extra = sum(count - 1 for count in times.values())
    if extra > doubled:
        yield f"{extra} lines came again, at most {doubled} may"


def _in_order(came: Sequence[Told]) -> Iterable[str]:
    """I7: of each merchant, lines came first in their order."""
    first: defaultdict[str, list[int]] = defaultdict(list)
    seen: set[int] = set()
    for told in came:
        if told.line not in seen:
            seen.add(told.line)
            first[told.merchant].append(told.line)
    if wrong := [merchant for merchant, lines in first.items() if lines != sorted(lines)]:
        yield f"{len(wrong)} merchants heard lines out of order"


def owned(query: Query) -> Iterable[str]:
    """I8: a ticket has one owner: nobody took one that was taken, and its owner is who the deeds on it made so."""
    owners: dict[int, str | None] = {}
    twice = 0
    for ticket, act, actor, detail in query("SELECT ticket, act, actor, detail FROM ticket_event WHERE done ORDER BY id"):
        owner = owners.get(ticket)
        twice += act == Act.TAKE and owner is not None
        if act in {Act.RELEASE, Act.MOVE, Act.MISROUTE, Act.REOPEN}:
            owners[ticket] = None
        elif act == Act.ASSIGN:
            owners[ticket] = json.loads(detail)["to"]
        elif act == Act.TAKE or (owner is None and actor and act in OWNERS):
            owners[ticket] = actor
    if twice:
        yield f"{twice} tickets were taken that had an owner"
    if wrong := [id for id, owner in query("SELECT id, owner FROM ticket") if owner != owners.get(id)]:
        yield f"{len(wrong)} tickets have another owner than their history says, such as {wrong[:3]}"


def _private(query: Query, came: Sequence[Told]) -> Iterable[str]:
    """I9: a merchant gets what was said in the own conversation, byte for byte, and nothing that another one told."""
    said = {
        id: (chat, conversation, tuple(json.loads(body)["bubbles"]))
        for id, chat, conversation, body in query(
            "SELECT m.id, c.chat, c.public_id, m.body FROM message AS m JOIN conversation AS c ON c.id = m.conversation WHERE m.side = 'bot'"
        )
    }
    if wrong := [told for told in came if said.get(told.line) not in {None, (told.merchant, told.conversation, told.bubbles)}]:
        yield f"{len(wrong)} lines came to somebody else, or with other words, such as line {wrong[0].line} to {wrong[0].merchant}"
    if seen := [told for told in came if set(MARK.findall(" ".join(told.bubbles))) - {_own(told.merchant)}]:
        yield f"{len(seen)} lines hold what another merchant told, such as line {seen[0].line} to {seen[0].merchant}"


def _own(merchant: str) -> str:
    return mark(int(merchant.rpartition("-")[2]))


def hidden(folders: Iterable[Path], secrets: Sequence[bytes]) -> list[str]:
    """I10: places of secrets in database files, those not yet written to their place included, and in logs."""
    files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    return [f"found in the clear: {path.name}: {secret!r}" for path in files for secret in secrets if secret in path.read_bytes()]

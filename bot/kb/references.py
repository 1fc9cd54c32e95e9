"""References from one file to entries of another, with a suggestion for misspelt ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.wording import say

from .validation import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from bot.domain.errors import Problem

    from .document import Document, Path
    from .folder import Folder

FILE_BY_KIND = {"question": "questions.yaml", "step": "steps.yaml", "slot": "slots.yaml", "source": "codes.yaml"}


@dataclass(frozen=True, slots=True)
class References:
    """Looks up what `document` refers to. Entries of a file that could not be read count as known."""

    folder: Folder
    document: Document

    def _known(self, kind: str) -> Iterable[str]:
        folder = self.folder
        tables: dict[str, Iterable[str]] = {
            "question": folder.questions,
            "step": folder.steps,
            "slot": folder.slots,
            "source": folder.code_sources,
            "topic": folder.topics,
            "group": folder.desk.groups if folder.desk else (),
        }
        return tables[kind]

    def _unreadable(self, kind: str, id: str) -> bool:
        return FILE_BY_KIND.get(kind, f"topics/{id}.yaml") in self.folder.broken

    def to(self, kind: str, id: str, path: Path) -> Iterator[Problem]:
        """A problem when there is no such entry."""
        known = self._known(kind)
        if id not in known and not self._unreadable(kind, id):
            yield self.document.problem(path, say(f"check.unknown-{kind}", id=id, suggestion=suggestion(id, known)))

    def to_all(self, kind: str, ids: Iterable[str], path: Path) -> Iterator[Problem]:
        """The same for a list of ids, or the keys of a mapping, at `path`."""
        for number, id in enumerate(ids):
            place = (*path, id) if (*path, id) in self.document.lines else (*path, number)
            yield from self.to(kind, id, place)

    def to_answers(self, answers: Mapping[str, str], path: Path) -> Iterator[Problem]:
        """Problems for each question or option that does not exist."""
        for question, option in answers.items():
            place = (*path, question)
            entry = self.folder.questions.get(question)
            if entry is None:
                yield from self.to("question", question, place)
            elif option not in entry.options:
                hint = suggestion(option, entry.options)
                yield self.document.problem(place, say("check.unknown-option", question=question, id=option, suggestion=hint))

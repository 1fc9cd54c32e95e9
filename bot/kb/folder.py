"""The validated files of a knowledge folder, before they are linked."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, TypeVar, cast

from .schema import (
    CannedFile,
    CodesFile,
    ContactsFile,
    DeskFile,
    GuideFile,
    LexiconFile,
    OutOfScopeFile,
    QuestionsFile,
    RepliesFile,
    ScreensFile,
    SignalsFile,
    SlotsFile,
    StepsFile,
    TopicEntry,
)

if TYPE_CHECKING:
    from pydantic import BaseModel

    from .document import Document
    from .schema import (
        CannedEntry,
        CodeEntry,
        ContactEntry,
        GuideEntry,
        QuestionEntry,
        ScreenEntry,
        SlotEntry,
        StepEntry,
    )

File = TypeVar("File", bound="BaseModel")


@dataclass(slots=True)
class Folder:
    """What could be read. A file that could not is in `broken`, so that nobody complains about references into it."""

    documents: dict[str, Document] = field(default_factory=dict)
    topics: dict[str, TopicEntry] = field(default_factory=dict)
    files: dict[type[BaseModel], BaseModel] = field(default_factory=dict)
    images: dict[str, bytes] = field(default_factory=dict)
    """File name in `images/` → content."""
    broken: set[str] = field(default_factory=set)

    def add(self, name: str, document: Document, entry: BaseModel) -> None:
        """Take in a valid file."""
        self.documents[name] = document
        if isinstance(entry, TopicEntry):
            self.topics[PurePosixPath(name).stem] = entry
        else:
            self.files[type(entry)] = entry

    def topic_document(self, topic: str) -> Document:
        """The document of a topic."""
        return self.documents[f"topics/{topic}.yaml"]

    def _file(self, model: type[File], default: File) -> File:
        return cast("File", self.files.get(model, default))

    @property
    def questions(self) -> dict[str, QuestionEntry]:
        """Question id → entry."""
        return self._file(QuestionsFile, QuestionsFile({})).root

    @property
    def steps(self) -> dict[str, StepEntry]:
        """Step id → entry."""
        return self._file(StepsFile, StepsFile({})).root

    @property
    def slots(self) -> dict[str, SlotEntry]:
        """Slot id → entry."""
        return self._file(SlotsFile, SlotsFile({})).root

    @property
    def code_sources(self) -> dict[str, str]:
        """Source id → title, the default first."""
        found = self.files.get(CodesFile)
        return found.sources if isinstance(found, CodesFile) else {}

    @property
    def codes(self) -> dict[str, dict[str, CodeEntry]]:
        """Source id → code → entry."""
        found = self.files.get(CodesFile)
        return found.codes if isinstance(found, CodesFile) else {}

    @property
    def screens(self) -> list[ScreenEntry]:
        """Screen texts."""
        return self._file(ScreensFile, ScreensFile([])).root

    @property
    def concepts(self) -> dict[str, list[str]]:
        """Canonical word → variants."""
        return self._file(LexiconFile, LexiconFile({})).root

    @property
    def signals(self) -> SignalsFile:
        """Signals and cues by id."""
        return self._file(SignalsFile, SignalsFile(signals={}))

    @property
    def out_of_scope(self) -> OutOfScopeFile:
        """Sentences and objects that are not our business."""
        return self._file(OutOfScopeFile, OutOfScopeFile(sentences=[]))

    @property
    def replies(self) -> dict[str, str | list[str]]:
        """Reply id → text or variants."""
        return self._file(RepliesFile, RepliesFile({})).root

    @property
    def contacts(self) -> list[ContactEntry]:
        """The whitelist of numbers."""
        return self._file(ContactsFile, ContactsFile([])).root

    @property
    def desk(self) -> DeskFile | None:
        """Groups of staff and their targets, None where nobody wrote them down."""
        found = self.files.get(DeskFile)
        return found if isinstance(found, DeskFile) else None

    @property
    def canned(self) -> dict[str, CannedEntry]:
        """Canned reply id → entry."""
        return self._file(CannedFile, CannedFile({})).root

    @property
    def guide(self) -> dict[str, GuideEntry]:
        """Guide point id → entry; none while some file is broken, because points refer to all of them."""
        return {} if self.broken else self._file(GuideFile, GuideFile({})).root

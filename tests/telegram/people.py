"""People who use the bot in tests, and the fake server that they talk through.

async with telegram() as fake:
    wang = await fake.person("Wang")
    await wang.say("hello")
    bubble = await wang.sees(lambda seen: "welcome" in seen.text)
    await wang.press(bubble, label="yes")
    desk = await fake.forum("Staff")
    li = await desk.member("Li")
    await li.say("I take it", thread=topic.thread)
"""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence

    Json = dict[str, Any]

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
PATIENCE = 10.0
"""Seconds for something that a test waits for."""


class UnheardError(AssertionError):
    """What a test waited for did not come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A button under a message."""

    label: str
    data: str | None
    url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bubble:
    """A message as it is seen now. `text` is also the caption; `kind` text, photo, … or service; `raw` the Message object of the Bot API."""

    id: int
    by_bot: bool
    author: int
    kind: str
    text: str
    entities: list[Json]
    buttons: list[list[Button]]
    thread: int | None
    reply_to: int | None
    album: str | None
    edits: int
    pinned: bool
    reactions: list[str]
    raw: Json

    @property
    def labels(self) -> list[str]:
        """The labels of all buttons."""
        return [button.label for row in self.buttons for button in row]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic of a forum; `pinned` are message ids."""

    thread: int
    name: str
    closed: bool
    pinned: list[int]
    icon: str


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A chat as it is seen now."""

    bubbles: list[Bubble]
    topics: list[Topic]
    pinned: list[int]
    deleted: list[int]
    actions: list[str]
    migrated_to: int | None

    def of_bot(self) -> list[Bubble]:
        """What the bot wrote."""
        return [bubble for bubble in self.bubbles if bubble.by_bot and bubble.kind != "service"]

    def topic(self, thread: int) -> Topic:
        """One topic."""
        return next(topic for topic in self.topics if topic.thread == thread)


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat with or of people, to be looked at."""

    fake: Fake
    id: int

    async def view(self) -> View:
        """What is to be seen now."""
        return _view(await self.fake.control("chat", chat=self.id))

    async def sees(self, wanted: Callable[[Bubble], bool], within: float = PATIENCE) -> Bubble:
        """Wait for a bubble of the bot (the last that is wanted)."""

        async def find() -> Bubble | None:
            return next((bubble for bubble in reversed((await self.view()).of_bot()) if wanted(bubble)), None)

        return await self.fake.until(find, within)

    async def until(self, wanted: Callable[[View], bool], within: float = PATIENCE) -> View:
        """Wait until the chat looks as wanted."""

        async def find() -> View | None:
            view = await self.view()
            return view if wanted(view) else None

        return await self.fake.until(find, within)


@dataclass(frozen=True, slots=True)
class Person(Chat):
    """Somebody who writes: in the private chat with the bot (`id` is also the user's), or in `place`."""

    place: int

    async def say(self, text: str, **extra: Any) -> Json:
        """Write a text; `thread`, `reply_to`, `entities` if wanted. The Message object."""
        said: Json = await self._do("say", text=text, **extra)
        return said

    async def send(self, kind: str, content: bytes = b"", **extra: Any) -> Json:
        """Send a photo, animation, document, voice, video, video_note, audio, sticker, location or contact; `caption`, `name`, `mime`, `size`, `thread` …"""
        sent: Json = await self._do("send", kind=kind, content=base64.b64encode(content).decode(), **extra)
        return sent

    async def album(self, items: Sequence[Json], **extra: Any) -> list[Json]:
        """Several at once; each item as for `send`."""
        sent: list[Json] = await self._do("album", items=list(items), **extra)
        return sent

    async def edit(self, message: int, text: str) -> Json:
        """Change the text or caption of a message."""
        edited: Json = await self._do("edit", message=message, text=text)
        return edited

    async def delete(self, message: int) -> None:
        """Delete a message."""
        await self._do("delete", message=message)

    async def press(self, bubble: Bubble | int, *, label: str | None = None, data: str | None = None, force: bool = False) -> str:
        """Press a button. The id of the query."""
        number = bubble if isinstance(bubble, int) else bubble.id
        query: str = (await self._do("press", message=number, **_given(label=label, data=data), force=force))["query"]
        return query

    async def answered(self, query: str, within: float = PATIENCE) -> Json:
        """What the bot said to a pressed button: `text` and `alert`."""

        async def find() -> Json | None:
            answer: Json | None = await self.fake.control("query", query=query)
            return answer

        return await self.fake.until(find, within)

    async def start(self, payload: str = "") -> Json:
        """Open the chat and press Start, perhaps by a deep link."""
        said: Json = await self._do("start", payload=payload)
        return said

    async def block(self) -> None:
        """Block the bot."""
        await self._do("block")

    async def unblock(self) -> None:
        """Let it write again."""
        await self._do("unblock")

    async def deactivate(self) -> None:
        """Delete the account."""
        await self._do("deactivate")

    async def topic(self, name: str) -> int:
        """Make a topic. Its thread id."""
        thread: int = (await self._do("topic", name=name))["message_thread_id"]
        return thread

    async def rename_topic(self, thread: int, name: str) -> None:
        """Rename a topic."""
        await self._do("rename_topic", thread=thread, name=name)

    async def close_topic(self, thread: int, *, closed: bool = True) -> None:
        """Close or reopen a topic; 1 is General."""
        await self._do("close_topic", thread=thread, closed=closed)

    async def delete_topic(self, thread: int) -> None:
        """Delete a topic with everything in it."""
        await self._do("delete_topic", thread=thread)

    async def _do(self, verb: str, **given: Any) -> Any:
        return await self.fake.control(verb, user=self.id, chat=self.place, **given)

    async def view(self) -> View:
        """What is to be seen now in the chat where the person writes."""
        return _view(await self.fake.control("chat", chat=self.place))


@dataclass(frozen=True, slots=True)
class Group(Chat):
    """A group, mostly the staff's forum."""

    async def member(self, name: str, *, status: str = "member", rights: Sequence[str] | None = None, anonymous: bool = False) -> Person:
        """A new person in the group."""
        user = await self.fake.control("person", first_name=name)
        return await self.join(user["id"], status=status, rights=rights, anonymous=anonymous)

    async def join(self, user: int, *, status: str = "member", rights: Sequence[str] | None = None, anonymous: bool = False) -> Person:
        """A person that exists comes into the group."""
        await self.fake.control("membership", chat=self.id, user=user, status=status, rights=rights, anonymous=anonymous)
        return Person(self.fake, user, self.id)

    async def bot_is(self, status: str, rights: Sequence[str] | None = None) -> None:
        """Change what the bot is in the group: administrator (with names of rights; None: all), member, left, kicked."""
        await self.fake.control("membership", chat=self.id, status=status, rights=rights)

    async def migrate(self, *, forum: bool = True) -> Group:
        """Make it a supergroup with another id."""
        return Group(self.fake, (await self.fake.control("migrate", chat=self.id, forum=forum))["id"])


@dataclass(frozen=True, slots=True)
class Fake:
    """The running server. `url` and `token` are what a bot needs."""

    url: str
    token: str
    _http: aiohttp.ClientSession

    async def control(self, verb: str, **given: Any) -> Any:
        """Any verb of the control interface.

        Raises:
            ValueError: it cannot be done.
        """
        body = io.BytesIO(json.dumps(given).encode())
        async with self._http.post(f"{self.url}/control/{verb}", data=body) as response:
            if response.status != 200:
                raise ValueError(f"{verb}: {(await response.text())}")
            return await response.json()

    async def person(self, name: str = "Wang", **given: Any) -> Person:
        """A new user whose private chat is started; `state="never"` for one that has not."""
        user = await self.control("person", first_name=name, **given)
        return Person(self, user["id"], user["id"])

    async def forum(self, title: str = "Staff", **given: Any) -> Group:
        """A forum supergroup with the bot as administrator with all rights, unless `status` and `rights` say otherwise."""
        return Group(self, (await self.control("group", title=title, **given))["id"])

    async def group(self, title: str = "Staff", **given: Any) -> Group:
        """A basic group."""
        return Group(self, (await self.control("group", title=title, type="group", **given))["id"])

    async def settings(self, **given: Any) -> Json:
        """Limits on or off, time scale, … (`control.settings`)."""
        changed: Json = await self.control("settings", **given)
        return changed

    async def hook(self, url: str, secret: str) -> None:
        """Send updates to a webhook, as `setWebhook` has it done."""
        form = {"url": url, "secret_token": secret}
        async with self._http.post(f"{self.url}/bot{self.token}/setWebhook", data=form) as response:
            assert response.status == 200, await response.text()

    async def fault(self, kind: str, *methods: str, **given: Any) -> None:
        """Something goes wrong (`faults.Fault`); for all methods that are not about getting updates if none is named."""
        await self.control("fault", kind=kind, methods=methods, **given)

    async def flood(self, seconds: float, retry_after: int = 1) -> None:
        """Nothing but 429 for so long."""
        await self.control("fault", kind="flood", seconds=seconds, retry_after=retry_after)

    async def reset(self, *, scale: float = 1.0, limits: bool = False) -> None:
        """A new world: nobody, no chat, no update, no webhook."""
        await self.control("reset", scale=scale, limits=limits)

    async def heal(self) -> None:
        """No faults any more."""
        await self.control("heal")

    async def duplicates(self, times: int) -> None:
        """So many of the next confirmed updates come once more."""
        await self.control("duplicates", times=times)

    async def raw(self, *updates: Any, lane: str | None = None) -> list[int]:
        """Push updates as they are. Their ids."""
        ids: list[int] = await self.control("raw", updates=updates, lane=lane)
        return ids

    async def calls(self, method: str = "", since: int = 0) -> list[Json]:
        """The log of calls."""
        found: list[Json] = await self.control("calls", method=method, since=since)
        return found

    async def deliveries(self) -> list[Json]:
        """The tries to reach the webhook."""
        found: list[Json] = await self.control("deliveries")
        return found

    async def failures(self, *, forget: bool = False) -> list[Json]:
        """What the bot did that the fake does not know."""
        found: list[Json] = await self.control("failures", forget=forget)
        return found

    async def confirmed(self, count: int, within: float = PATIENCE) -> None:
        """Wait until the bot has confirmed so many updates in all and none waits."""

        async def find() -> bool | None:
            state = await self.control("pending")
            return True if state["confirmed"] >= count and not state["pending"] else None

        await self.until(find, within)

    async def until(self, find: Callable[[], Awaitable[T | None]], within: float = PATIENCE) -> T:
        """Wait until `find` finds something.

        Raises:
            UnheardError: it does not come in time.
        """
        ends = time.monotonic() + within
        version = -1
        while True:
            found = await find()
            if found is not None:
                return found
            left = ends - time.monotonic()
            if left <= 0:
                raise UnheardError(f"not within {within} s; failures: {await self.failures()}; last calls: {(await self.calls())[-5:]}")
            async with self._http.get(f"{self.url}/control/wait", params={"after": version, "timeout": min(left, 0.05)}) as response:
                version = (await response.json())["version"]


@contextmanager
def serving(*options: str) -> Iterator[Json]:
    """A server in a process of its own, on a free port of the loopback. Its `url` and `token`."""
    command = (sys.executable, "-m", "tests.telegram.fake", "--until-eof", *options)
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            ready: Json = json.loads(process.stdout.readline())
            yield ready
        finally:
            process.terminate()


@asynccontextmanager
async def visiting(ready: Json, *, failures: bool = False) -> AsyncIterator[Fake]:
    """A server that runs. At the end nothing may have been asked of it that it does not know, unless `failures` are expected."""
    async with aiohttp.ClientSession() as http:
        fake = Fake(ready["url"], ready["token"], http)
        yield fake
        found = await fake.failures()
        assert failures or not found, found


@asynccontextmanager
async def telegram(*, scale: float = 1.0, limits: bool = False, failures: bool = False) -> AsyncIterator[Fake]:
    """An own server, without limits unless they are wanted; `scale` is the real length of a second of its limits and pauses."""
    with serving("--scale", str(scale), *([] if limits else ["--no-limits"])) as ready:
        async with visiting(ready, failures=failures) as fake:
            yield fake


def _view(seen: Json) -> View:
    return View(
        bubbles=[Bubble(**{**bubble, "buttons": [[Button(**button) for button in row] for row in bubble["buttons"]]}) for bubble in seen["messages"]],
        topics=[
            Topic(
                thread=topic["message_thread_id"],
                name=topic["name"],
                closed=topic["closed"],
                pinned=topic["pinned"],
                icon=topic.get("icon_custom_emoji_id", ""),
            )
            for topic in seen["topics"]
        ],
        pinned=seen["pinned"],
        deleted=seen["deleted"],
        actions=seen["actions"],
        migrated_to=seen["migrated_to"],
    )


def _given(**values: Any) -> Json:
    return {key: value for key, value in values.items() if value is not None}

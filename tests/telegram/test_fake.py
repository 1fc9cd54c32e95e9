"""The fake Bot API server, as python-telegram-bot sees it: every method, and the real server's words for what it refuses."""

from __future__ import annotations

import io
import json
from random import Random
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from PIL import Image
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaDocument,
    InputMediaPhoto,
    LinkPreviewOptions,
    MessageEntity,
    ReplyKeyboardMarkup,
    ReplyParameters,
)
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, TelegramError
from telegram.request import HTTPXRequest

from tests.telegram.fake import markup
from tests.telegram.fake.errors import RefusedError
from tests.telegram.fake.registry import METHODS
from tests.telegram.fake.server import MODULES
from tests.telegram.people import telegram

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from telegram import Update

    from tests.telegram.people import Fake

    Try = Callable[[], Awaitable[object]]
    Case = tuple[str, Try]


def picture(color: str = "white", size: tuple[int, int] = (640, 480)) -> bytes:
    drawn = io.BytesIO()
    Image.new("RGB", size, color).save(drawn, "PNG")
    return drawn.getvalue()


def keyboard(data: str = "yes", label: str = "Yes") -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton(label, callback_data=data)]])


async def news(bot: Bot) -> Sequence[Update]:
    """What has come since the last time."""
    updates = await bot.get_updates(timeout=5)
    if updates:
        await bot.get_updates(offset=updates[-1].update_id + 1, timeout=0)
    return updates


async def refused(*cases: Case, error: type[TelegramError] = BadRequest) -> None:
    """Every case must be refused with words that begin so."""
    wrong = []
    for words, attempt in cases:
        try:
            wrong.append((words, await attempt()))
        except error as refusal:
            if not refusal.message.lower().startswith(words.lower()):
                wrong.append((words, refusal.message))
    assert not wrong


# What the bot sends is what people see.


async def test_bot_introduces_itself(bot: Bot) -> None:
    assert (bot.id, bot.username, bot.can_join_groups) == (7000000001, "fake_support_bot", True)
    assert await bot.log_out()
    assert await bot.close()


async def test_text_is_seen_with_formatting_and_buttons(fake: Fake, bot: Bot) -> None:
    wang = await fake.person("Wang", username="wang")
    asked = await wang.say("help")
    sent = await bot.send_message(
        wang.id,
        "<b>What</b> does the <i>screen</i> say? &lt;96&gt;",
        parse_mode="HTML",
        reply_parameters=ReplyParameters(message_id=asked["message_id"]),
        reply_markup=keyboard(),
        link_preview_options=LinkPreviewOptions(is_disabled=True),
    )
    assert sent.text == "What does the screen say? <96>"
    assert [(entity.type, sent.parse_entity(entity)) for entity in sent.entities] == [("bold", "What"), ("italic", "screen")]
    seen = await wang.sees(lambda bubble: "screen" in bubble.text)
    assert (seen.labels, seen.reply_to, seen.by_bot) == (["Yes"], asked["message_id"], True)
    await bot.send_chat_action(wang.id, "typing")
    assert (await wang.view()).actions == ["typing"]


async def test_entities_are_counted_in_utf16(fake: Fake, bot: Bot) -> None:
    wang = await fake.person()
    sent = await bot.send_message(wang.id, "😀 <b>ok</b> /start", parse_mode="HTML")
    assert [(entity.type, entity.offset, entity.length) for entity in sent.entities] == [("bold", 3, 2)]
    given = await bot.send_message(wang.id, "😀 ok", entities=[MessageEntity("bold", 3, 2)])
    assert given.parse_entities() == {given.entities[0]: "ok"}
    await wang.say("😀 /status now")
    (heard,) = await news(bot)
    assert heard.message
    assert heard.message.parse_entities(["bot_command"]) == {heard.message.entities[0]: "/status"}


async def test_photos_documents_voice_and_places_arrive(fake: Fake, bot: Bot) -> None:
    wang = await fake.person()
    photo = await bot.send_photo(wang.id, picture(size=(800, 600)), caption="*Fig\\. 1*", parse_mode="MarkdownV2")
    assert (photo.photo[-1].width, photo.caption) == (800, "Fig. 1")
    assert (await bot.send_photo(wang.id, photo.photo[-1].file_id)).photo == photo.photo
    document = await bot.send_document(wang.id, b"log", filename="log.txt", caption="the log")
    assert document.document
    assert (document.document.file_name, document.document.file_size) == ("log.txt", 3)
    voice = await bot.send_voice(wang.id, b"ogg", duration=3)
    assert voice.to_dict()["voice"]["duration"] == 3
    place = await bot.send_location(wang.id, 31.2, 121.5)
    assert place.location
    assert place.location.latitude == 31.2
    assert [bubble.kind for bubble in (await wang.view()).bubbles] == ["photo", "photo", "document", "voice", "location"]
    file = await bot.get_file(document.document.file_id)
    assert bytes(await file.download_as_bytearray()) == b"log"


async def test_a_file_is_sent_again_as_what_it_is(fake: Fake, bot: Bot) -> None:
    wang = await fake.person()
    ids = {kind: (await wang.send(kind))[kind]["file_id"] for kind in ("animation", "document", "voice", "video", "video_note", "audio")}
    assert (await bot.send_animation(wang.id, ids["animation"])).document
    assert (await bot.send_video_note(wang.id, ids["video_note"])).video_note
    assert (await bot.send_audio(wang.id, ids["audio"], caption="a song")).caption
    await refused(
        ("can't use file of type Animation as Video", lambda: bot.send_video(wang.id, ids["animation"])),
        ("can't use file of type VideoNote as Video", lambda: bot.send_video(wang.id, ids["video_note"])),
        ("can't use file of type Audio as Voice", lambda: bot.send_voice(wang.id, ids["audio"])),
        ("can't use file of type Document as Photo", lambda: bot.send_photo(wang.id, ids["document"])),
    )


async def test_album_is_one_group_of_messages(fake: Fake, bot: Bot) -> None:
    wang = await fake.person()
    sent = await bot.send_media_group(wang.id, [InputMediaPhoto(picture("red"), caption="one"), InputMediaPhoto(picture("blue"))])
    assert len({message.media_group_id for message in sent}) == 1
    documents = await bot.send_media_group(wang.id, [InputMediaDocument(b"a", filename="a.txt"), InputMediaDocument(b"b", filename="b.txt")])
    assert documents[1].document
    assert documents[1].document.file_name == "b.txt"
    assert [bubble.text for bubble in (await wang.view()).bubbles] == ["one", "", "", ""]


async def test_copies_and_forwards(fake: Fake, bot: Bot) -> None:
    wang, desk = await fake.person(), await fake.forum()
    said = await wang.say("my slip")
    shown = await wang.send("photo", caption="slip")
    topic = await bot.create_forum_topic(desk.id, "T-1")
    copy = await bot.copy_message(desk.id, wang.id, said["message_id"], message_thread_id=topic.message_thread_id)
    await bot.copy_message(desk.id, wang.id, shown["message_id"], caption="other words", message_thread_id=topic.message_thread_id)
    forwarded = await bot.forward_message(desk.id, wang.id, shown["message_id"], message_thread_id=topic.message_thread_id)
    assert forwarded.forward_origin
    assert forwarded.forward_origin.type == "user"
    seen = (await desk.view()).of_bot()
    assert [(bubble.id == copy.message_id, bubble.kind, bubble.text) for bubble in seen] == [
        (True, "text", "my slip"),
        (False, "photo", "other words"),
        (False, "photo", "slip"),
    ]
    assert {bubble.thread for bubble in seen} == {topic.message_thread_id}


async def test_edits_deletions_pins_and_reactions_are_seen(fake: Fake, bot: Bot) -> None:
    wang = await fake.person()
    first = await bot.send_message(wang.id, "one", reply_markup=keyboard())
    edited = await bot.edit_message_text("two", wang.id, first.message_id, reply_markup=keyboard("no", "No"))
    assert not isinstance(edited, bool)
    assert (edited.text, edited.edit_date is not None) == ("two", True)
    await bot.edit_message_reply_markup(wang.id, first.message_id, reply_markup=None)
    photo = await bot.send_photo(wang.id, picture(), caption="a")
    await bot.edit_message_media(InputMediaPhoto(picture("red"), caption="c"), wang.id, photo.message_id)
    await bot.edit_message_caption(wang.id, photo.message_id, caption="b")
    said = await wang.say("6222 0000")
    assert await bot.set_message_reaction(wang.id, said["message_id"], "👍")
    assert await bot.pin_chat_message(wang.id, first.message_id)
    view = await wang.view()
    assert [(bubble.text, bubble.labels, bubble.edits, bubble.pinned, bubble.reactions) for bubble in view.bubbles if bubble.kind != "service"] == [
        ("two", [], 2, True, []),
        ("b", [], 2, False, []),
        ("6222 0000", [], 0, False, ["👍"]),
    ]
    assert await bot.unpin_chat_message(wang.id, first.message_id)
    assert await bot.delete_message(wang.id, said["message_id"])
    assert await bot.delete_messages(wang.id, [first.message_id])
    view = await wang.view()
    assert ([bubble.text for bubble in view.of_bot()], view.pinned, view.deleted) == (["b"], [], [said["message_id"], first.message_id])


async def test_profile_is_kept_by_scope_and_language(fake: Fake, bot: Bot) -> None:
    wang = await fake.person()
    commands = [BotCommand("start", "begin"), BotCommand("human", "staff")]
    assert await bot.set_my_commands(commands)
    assert await bot.set_my_commands(commands[:1], scope=BotCommandScopeAllPrivateChats(), language_code="zh")
    assert await bot.set_my_commands(commands[1:], scope=BotCommandScopeChat(wang.id))
    assert await bot.get_my_commands() == tuple(commands)
    assert await bot.get_my_commands(scope=BotCommandScopeAllPrivateChats(), language_code="zh") == tuple(commands[:1])
    assert await bot.get_my_commands(scope=BotCommandScopeChat(wang.id)) == tuple(commands[1:])
    assert await bot.delete_my_commands()
    assert await bot.get_my_commands() == ()
    assert await bot.set_my_description("long")
    assert await bot.set_my_short_description("short")
    assert await bot.set_my_name("Helper")
    told = (await bot.get_my_description()).description, (await bot.get_my_short_description()).short_description, (await bot.get_my_name()).name
    assert told == ("long", "short", "Helper")


# What people do is what the bot hears.


async def test_bot_hears_every_kind_of_message(fake: Fake, bot: Bot) -> None:
    wang = await fake.person("Wang", language_code="zh-hans")
    await wang.start("abc_-1")
    said = await wang.say("no paper")
    await wang.say("no paper either", reply_to=said["message_id"])
    for kind in EVERY_KIND[1:]:
        await wang.send(kind)
    await wang.send("document", name="big.zip", size=30_000_000)
    await wang.album([{"kind": "photo", "caption": "two"}, {"kind": "photo"}])
    await wang.edit(said["message_id"], "no ink")
    heard = [update.message for update in await news(bot) if update.message]
    kinds = [next(kind for kind in EVERY_KIND if getattr(message, kind)) for message in heard]
    assert kinds == [*["text"] * 3, *EVERY_KIND[1:], "document", "photo", "photo"]
    assert heard[0].text == "/start abc_-1"
    assert heard[2].reply_to_message
    assert heard[2].reply_to_message.text == "no paper"
    assert heard[-1].media_group_id == heard[-2].media_group_id is not None
    big = heard[-3].document
    assert big
    await refused(("file is too big", lambda: bot.get_file(big.file_id)))
    with pytest.raises(ValueError, match="deep link"):
        await wang.start("a b")


EVERY_KIND = ("text", "photo", "animation", "document", "voice", "video", "video_note", "audio", "sticker", "location", "contact")
"""Animations before documents: they are called so too."""


async def test_bot_hears_edits_blocks_and_presses(fake: Fake, bot: Bot) -> None:
    wang = await fake.person()
    said = await wang.say("a")
    await wang.edit(said["message_id"], "b")
    asked = await bot.send_message(wang.id, "sure?", reply_markup=keyboard())
    query = await wang.press(asked.message_id, label="Yes")
    forged = await wang.press(asked.message_id, data="forged", force=True)
    await wang.block()
    await wang.unblock()
    _, edited, pressed, faked, blocked, back = await news(bot)
    assert edited.edited_message
    assert edited.edited_message.text == "b"
    assert pressed.callback_query
    assert faked.callback_query
    assert (pressed.callback_query.data, faked.callback_query.data) == ("yes", "forged")
    assert await pressed.callback_query.answer("done", show_alert=True)
    assert await wang.answered(query) == {"text": "done", "alert": True}
    assert blocked.my_chat_member
    assert back.my_chat_member
    assert (blocked.my_chat_member.new_chat_member.status, back.my_chat_member.new_chat_member.status) == ("kicked", "member")
    too_old = "query is too old and response timeout expired or query id is invalid"
    await fake.settings(query_seconds=0)
    await refused(
        (too_old, lambda: bot.answer_callback_query(query)),
        (too_old, lambda: bot.answer_callback_query(forged)),
        (too_old, lambda: bot.answer_callback_query("12345")),
    )


# Forum.


async def test_topics_live_and_close(fake: Fake, bot: Bot) -> None:
    desk = await fake.forum()
    topic = await bot.create_forum_topic(desk.id, "U2 · T-1", icon_color=7322096)
    thread = topic.message_thread_id
    await bot.send_message(desk.id, "packet", message_thread_id=thread, reply_markup=keyboard())
    assert await bot.edit_forum_topic(desk.id, thread, name="U0 · T-1")
    assert await bot.close_forum_topic(desk.id, thread)
    assert (await desk.view()).topic(thread).closed
    assert await bot.reopen_forum_topic(desk.id, thread)
    card = (await desk.view()).of_bot()[0]
    assert await bot.pin_chat_message(desk.id, card.id, disable_notification=True)
    seen = (await desk.view()).topic(thread)
    assert (seen.name, seen.closed, seen.pinned) == ("U0 · T-1", False, [card.id])
    heard = [update.message for update in await news(bot)]
    assert all(message is not None and message.is_topic_message and message.message_thread_id == thread for message in heard)
    assert await bot.get_forum_topic_icon_stickers()
    assert await bot.unpin_all_forum_topic_messages(desk.id, thread)
    assert await bot.delete_forum_topic(desk.id, thread)
    view = await desk.view()
    assert (view.topics, view.of_bot()) == ([], [])
    assert await bot.send_chat_action(desk.id, "typing", message_thread_id=1), "General has this id for actions only"
    await refused(
        ("message thread not found", lambda: bot.send_message(desk.id, "x", message_thread_id=thread)),
        ("TOPIC_ID_INVALID", lambda: bot.edit_forum_topic(desk.id, thread, name="y")),
        ("message to edit not found", lambda: bot.edit_message_text("x", desk.id, card.id)),
    )


async def test_messages_for_a_deleted_topic_may_stray_into_general(fake: Fake, bot: Bot) -> None:
    desk = await fake.forum()
    await fake.settings(stray=True)
    sent = await bot.send_message(desk.id, "x", message_thread_id=99)
    assert (sent.message_thread_id, sent.is_topic_message) == (None, None)


async def test_staff_write_in_topics_and_in_general(fake: Fake, bot: Bot) -> None:
    desk = await fake.forum()
    li, boss = await desk.member("Li"), await desk.member("Boss", status="administrator", anonymous=True)
    thread = (await bot.create_forum_topic(desk.id, "T")).message_thread_id
    await li.say("/kb paper", thread=thread)
    general = await li.say("morning")
    await li.say("hi", reply_to=general["message_id"])
    await boss.say("secret")
    own = await li.topic("mine")
    await li.rename_topic(own, "ours")
    _, topical, plain, answer, anonymous, created, renamed = [update.message for update in await news(bot)]
    assert topical and plain and answer and anonymous and created and renamed  # noqa: PT018 - types, not claims
    assert (topical.is_topic_message, topical.message_thread_id) == (True, thread)
    assert topical.reply_to_message
    assert topical.reply_to_message.forum_topic_created, "every message of a topic answers its beginning"
    assert (plain.is_topic_message, plain.message_thread_id) == (None, None)
    assert (answer.is_topic_message, answer.message_thread_id) == (None, general["message_id"]), "a thread in General is no topic"
    assert anonymous.sender_chat
    assert anonymous.from_user
    assert (anonymous.sender_chat.id, anonymous.from_user.id) == (desk.id, 1087968824)
    assert created.forum_topic_created
    assert renamed.forum_topic_edited
    heads = await bot.get_chat_administrators(desk.id)
    assert [head.user.id for head in heads] == [bot.id, boss.id]
    chat, member = await bot.get_chat(desk.id), await bot.get_chat_member(desk.id, li.id)
    assert (chat.is_forum, chat.title, member.status, await bot.get_chat_member_count(desk.id)) == (True, "Staff", "member", 3)


async def test_rights_are_needed(fake: Fake, bot: Bot) -> None:
    desk = await fake.forum()
    thread = (await bot.create_forum_topic(desk.id, "T")).message_thread_id
    li = await desk.member("Li")
    said = await li.say("mine", thread=thread)
    await bot.close_forum_topic(desk.id, thread)
    with pytest.raises(ValueError, match="TOPIC_CLOSED"):
        await li.say("too late", thread=thread)
    await desk.bot_is("administrator", rights=[])
    me = await bot.get_chat_member(desk.id, bot.id)
    assert me.to_dict()["can_manage_topics"] is False
    await refused(
        ("not enough rights to create a topic", lambda: bot.create_forum_topic(desk.id, "x")),
        ("not enough rights to edit the topic", lambda: bot.edit_forum_topic(desk.id, thread, name="x")),
        ("not enough rights to edit the topic", lambda: bot.reopen_forum_topic(desk.id, thread)),
        ("not enough rights to delete the topic", lambda: bot.delete_forum_topic(desk.id, thread)),
        ("not enough rights to manage pinned messages in the chat", lambda: bot.pin_chat_message(desk.id, said["message_id"])),
        ("not enough rights to manage pinned messages in the chat", lambda: bot.unpin_chat_message(desk.id)),
        ("message can't be deleted", lambda: bot.delete_message(desk.id, said["message_id"])),
        ("TOPIC_CLOSED", lambda: bot.send_message(desk.id, "x", message_thread_id=thread)),
    )
    plain = await fake.forum(forum=False)
    await refused(("the chat is not a forum", lambda: bot.create_forum_topic(plain.id, "x")))


# Refusals.


async def test_texts_captions_and_buttons_have_limits(fake: Fake, bot: Bot) -> None:
    wang = await fake.person()
    to = wang.id
    long = InlineKeyboardMarkup([[InlineKeyboardButton("x", callback_data=str(number))] for number in range(101)])
    await refused(
        ("message text is empty", lambda: bot.send_message(to, "")),
        ("message text is empty", lambda: bot.send_message(to, " \n ")),
        ("message text is empty", lambda: bot.send_message(to, "<b> </b>", parse_mode="HTML")),
        ("message is too long", lambda: bot.send_message(to, "x" * 4097)),
        ("message is too long", lambda: bot.send_message(to, "😀" * 2049)),
        ("message caption is too long", lambda: bot.send_photo(to, picture(), caption="x" * 1025)),
        ("button_data_invalid", lambda: bot.send_message(to, "x", reply_markup=keyboard("字" * 22))),
        ("reply markup is too long", lambda: bot.send_message(to, "x", reply_markup=long)),
        ("unsupported parse_mode", lambda: bot.send_message(to, "x", parse_mode="Rich")),
        ("entity_bounds_invalid", lambda: bot.send_message(to, "x", entities=[MessageEntity("bold", 0, 2)])),
        ("message to be replied not found", lambda: bot.send_message(to, "x", reply_parameters=ReplyParameters(99))),
        ("message thread not found", lambda: bot.send_message(to, "x", message_thread_id=99)),
        ("wrong parameter action", lambda: bot.send_chat_action(to, "dancing")),
    )
    for text in ("x" * 4096, "<b>" + "x" * 4096 + "</b>", "😀" * 2048):
        await bot.send_message(to, text, parse_mode="HTML")
    await bot.send_message(to, "x", reply_markup=keyboard("x" * 64), reply_parameters=ReplyParameters(99, allow_sending_without_reply=True))
    await bot.send_message(to, "x", reply_markup=ReplyKeyboardMarkup([["a"]]))


async def test_media_have_limits(fake: Fake, bot: Bot) -> None:
    wang = await fake.person()
    to = wang.id
    album = [InputMediaPhoto(picture()) for _ in range(11)]
    document = await bot.send_document(to, b"x", filename="x.txt")
    assert document.document
    file_id = document.document.file_id
    await refused(
        ("there are not enough", lambda: bot.send_media_group(to, album[:1])),
        ("too many messages to send as an album", lambda: bot.send_media_group(to, album)),
        ("can't use the media of the specified type in the album", lambda: bot.send_media_group(to, [album[0], InputMediaDocument(b"x")])),
        ("image_process_failed", lambda: bot.send_photo(to, b"not a picture")),
        ("photo_invalid_dimensions", lambda: bot.send_photo(to, picture(size=(2100, 100)))),
        ("file must be non-empty", lambda: bot.send_document(to, b"")),
        ("can't use file of type document as photo", lambda: bot.send_photo(to, file_id)),
        ("invalid file_id", lambda: bot.get_file("nonsense")),
        ("wrong file identifier/http url specified", lambda: bot.send_document(to, "https://example.com/a")),
    )
    with pytest.raises(TelegramError, match="Request Entity Too Large"):
        await bot.send_document(to, b"x" * (50 * 1024 * 1024 + 1))


async def test_edits_and_deletions_have_conditions(fake: Fake, bot: Bot) -> None:
    wang = await fake.person()
    to, said = wang.id, await wang.say("mine")
    text, photo = await bot.send_message(to, "one", reply_markup=keyboard()), await bot.send_photo(to, picture(), caption="c")
    await refused(
        ("message is not modified", lambda: bot.edit_message_text("one", to, text.message_id, reply_markup=keyboard())),
        ("message is not modified", lambda: bot.edit_message_text("<u>one</u>"[3:6], to, text.message_id, reply_markup=keyboard())),
        ("message is not modified", lambda: bot.edit_message_reply_markup(to, text.message_id, reply_markup=keyboard())),
        ("message is not modified", lambda: bot.edit_message_caption(to, photo.message_id, caption="c")),
        ("message to edit not found", lambda: bot.edit_message_text("x", to, 99)),
        ("message can't be edited", lambda: bot.edit_message_text("x", to, said["message_id"])),
        ("there is no text in the message to edit", lambda: bot.edit_message_text("x", to, photo.message_id)),
        ("there is no caption in the message to edit", lambda: bot.edit_message_caption(to, text.message_id, caption="x")),
        ("message to delete not found", lambda: bot.delete_message(to, 99)),
        ("message to copy not found", lambda: bot.copy_message(to, to, 99)),
        ("message to forward not found", lambda: bot.forward_message(to, to, 99)),
        ("message to pin not found", lambda: bot.pin_chat_message(to, 99)),
        ("message to unpin not found", lambda: bot.unpin_chat_message(to)),
        ("message to react not found", lambda: bot.set_message_reaction(to, 99, "👍")),
        ("reaction_invalid", lambda: bot.set_message_reaction(to, said["message_id"], "✅")),
        ("reactions_too_many", lambda: bot.set_message_reaction(to, said["message_id"], ["👍", "👎"])),
    )


async def test_topics_have_conditions(fake: Fake, bot: Bot) -> None:
    desk = await fake.forum()
    thread = (await bot.create_forum_topic(desk.id, "x" * 128)).message_thread_id
    await refused(
        ("title must be non-empty", lambda: bot.create_forum_topic(desk.id, " ")),
        ("topic_title_invalid", lambda: bot.create_forum_topic(desk.id, "x" * 129)),
        ("invalid icon color specified", lambda: bot.create_forum_topic(desk.id, "x", icon_color=1)),
        ("document_invalid", lambda: bot.create_forum_topic(desk.id, "x", icon_custom_emoji_id="1")),
        ("topic_not_modified", lambda: bot.edit_forum_topic(desk.id, thread, name="x" * 128)),
        ("topic_not_modified", lambda: bot.reopen_forum_topic(desk.id, thread)),
        ("topic_id_invalid", lambda: bot.close_forum_topic(desk.id, 99)),
        ("message thread not found", lambda: bot.send_message(desk.id, "x", message_thread_id=1)),
    )


async def test_people_and_groups_that_cannot_be_reached(fake: Fake, bot: Bot) -> None:
    blocked, gone, new = await fake.person(), await fake.person(), await fake.person(state="never")
    await blocked.block()
    await gone.deactivate()
    kicked, left, group = await fake.forum(), await fake.forum(), await fake.group()
    await kicked.bot_is("kicked")
    await left.bot_is("left")
    await refused(("chat not found", lambda: bot.send_message(1234, "x")), ("chat not found", lambda: bot.send_message("@nobody", "x")))
    await refused(
        ("forbidden: bot was blocked by the user", lambda: bot.send_message(blocked.id, "x")),
        ("forbidden: user is deactivated", lambda: bot.send_message(gone.id, "x")),
        ("forbidden: bot can't initiate conversation with a user", lambda: bot.send_message(new.id, "x")),
        ("forbidden: bot was kicked from the supergroup chat", lambda: bot.send_message(kicked.id, "x")),
        ("forbidden: bot is not a member of the supergroup chat", lambda: bot.get_chat(left.id)),
        error=Forbidden,
    )
    moved = await group.migrate()
    with pytest.raises(ChatMigrated) as migrated:
        await bot.send_message(group.id, "x")
    assert migrated.value.new_chat_id == moved.id
    await bot.create_forum_topic(moved.id, "T")
    heard = [update.message for update in await news(bot) if update.message]
    assert [(message.migrate_to_chat_id, message.migrate_from_chat_id) for message in heard[:2]] == [(moved.id, None), (None, group.id)]
    await new.start()
    await bot.send_message(new.id, "now")


async def test_who_writes_first_can_be_answered(fake: Fake, bot: Bot) -> None:
    new = await fake.person(state="never")
    await new.say("hello")
    await bot.send_message(new.id, "hello")
    await new.block()
    with pytest.raises(ValueError, match="blocked"):
        await new.say("?")


async def test_profile_has_conditions(bot: Bot) -> None:
    await refused(
        ("bot_command_invalid", lambda: bot.set_my_commands([BotCommand("Start!", "x")])),
        ("bot_command_description_invalid", lambda: bot.set_my_commands([BotCommand("start", "x" * 257)])),
        ("bot description is too long", lambda: bot.set_my_description("x" * 513)),
        ("bot short description is too long", lambda: bot.set_my_short_description("x" * 121)),
    )


HTML = (
    ("<b>x", "Can't find end tag corresponding to start tag \"b\""),
    ("x</b>", "Unexpected end tag at byte offset 1"),
    ("<b>x</i>", "Unmatched end tag at byte offset 4, expected \"</b>\", found \"</i>\""),
    ("<marquee>x</marquee>", "Unsupported start tag \"marquee\" at byte offset 0"),
    ("字<3", "Unclosed start tag at byte offset 3"),
    ("<span>x</span>", "Tag \"span\" must have class \"tg-spoiler\" at byte offset 0"),
)  # fmt: skip
MARKDOWN = (
    ("Done.", "Character '.' is reserved and must be escaped with the preceding '\\'"),
    ("1-2", "Character '-' is reserved"),
    ("a > b", "Character '>' is reserved"),
    ("(x)", "Character '(' is reserved"),
    ("字*x", "Can't find end of Bold entity at byte offset 3"),
    ("_x*y_", "Can't find end of Bold entity at byte offset 2"),
    ("`x", "Can't find end of Code entity at byte offset 0"),
    ("[x](y", "Can't find end of a URL"),
)  # fmt: skip


@pytest.mark.parametrize(("mode", "text", "reason"), [("HTML", *case) for case in HTML] + [("MarkdownV2", *case) for case in MARKDOWN])
def test_broken_markup_is_refused(mode: str, text: str, reason: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        markup.parse(text, mode, None)
    assert refusal.value.description.startswith(f"Bad Request: can't parse entities: {reason}")


@pytest.mark.parametrize(
    ("mode", "text", "plain", "entities"),
    [
        ("HTML", "<b>a<i>b</i></b> &amp; &nbsp; <a href='http://x'>c</a>", "ab & &nbsp; c", [("bold", 0, 2), ("italic", 1, 1), ("text_link", 12, 1)]),
        ("HTML", "<pre><code class=\"language-py\">x &lt; y</code></pre>", "x < y", [("pre", 0, 5)]),
        ("HTML", "<blockquote expandable>q</blockquote><tg-spoiler>s</tg-spoiler>", "qs", [("expandable_blockquote", 0, 1), ("spoiler", 1, 1)]),
        ("HTML", "  <b> x </b>  ", "x", [("bold", 0, 1)]),
        ("MarkdownV2", "*a _b_* ~c~ ||d||", "a b c d", [("bold", 0, 3), ("italic", 2, 1), ("strikethrough", 4, 1), ("spoiler", 6, 1)]),
        ("MarkdownV2", "__e__", "e", [("underline", 0, 1)]),
        ("MarkdownV2", "1\\.5 `a.b` [l\\]](http://x/\\))", "1.5 a.b l]", [("code", 4, 3), ("text_link", 8, 2)]),
        ("MarkdownV2", ">q\nx", "q\nx", [("blockquote", 0, 1)]),
    ],
)  # fmt: skip
def test_markup_is_understood(mode: str, text: str, plain: str, entities: list[tuple[str, int, int]]) -> None:
    parsed, found = markup.parse(text, mode, None)
    assert (parsed, [(entity["type"], entity["offset"], entity["length"]) for entity in found]) == (plain, entities)


async def test_broken_markup_reaches_the_client(fake: Fake, bot: Bot) -> None:
    wang = await fake.person()
    await refused(("can't parse entities: unsupported start tag", lambda: bot.send_message(wang.id, "<x>", parse_mode="HTML")))


# Loudness.


async def test_unknown_methods_and_parameters_are_loud() -> None:
    async with telegram(failures=True) as fake, aiohttp.ClientSession() as http:
        wang = await fake.person()
        async with http.post(f"{fake.url}/bot{fake.token}/sendDice", json={"chat_id": wang.id}) as answer:
            assert (answer.status, await answer.json()) == (404, {"ok": False, "error_code": 404, "description": "Not Found"})
        async with http.post(f"{fake.url}/bot{fake.token}/sendMessage", json={"chat_id": wang.id, "text": "x", "txt": "y"}) as answer:
            assert answer.status == 200, "the real one does not mind"
        async with http.get(f"{fake.url}/bot{fake.token}/getUpdates", params={"allowed_updates": '["mesage"]'}) as answer:
            assert answer.status == 200
        assert [failure["what"] for failure in await fake.failures()] == ["unknown method", "unknown parameters", "unknown kind of update"]
        assert [call["outcome"] for call in await fake.calls()] == ["Not Found", "ok", "ok"]


async def test_a_test_fails_when_something_unknown_was_asked() -> None:
    with pytest.raises(AssertionError, match="sendDice"):
        async with telegram() as fake, aiohttp.ClientSession() as http, http.get(f"{fake.url}/bot{fake.token}/sendDice"):
            pass


async def test_another_token_is_unauthorized(fake: Fake) -> None:
    async with HTTPXRequest() as way:
        with pytest.raises(InvalidToken):
            await Bot("7000000002:x", base_url=f"{fake.url}/bot", request=way).get_me()
    async with aiohttp.ClientSession() as http, http.get(f"{fake.url}/bot7000000002:x/getMe") as answer:
        assert await answer.json() == {"ok": False, "error_code": 401, "description": "Unauthorized"}
        async with http.get(f"{fake.url}/file/bot{fake.token}/photos/file_1.jpg") as missing:
            assert missing.status == 404


def _multipart(values: dict[str, Any]) -> aiohttp.FormData:
    form = aiohttp.FormData(default_to_multipart=True)
    for name, value in values.items():
        form.add_field(name, value if isinstance(value, str) else json.dumps(value))
    return form


@pytest.mark.parametrize("form", ["query", "urlencoded", "multipart", "json"])
async def test_parameters_come_in_every_form(fake: Fake, form: str) -> None:
    wang = await fake.person()
    values = {"chat_id": wang.id, "text": "字", "disable_notification": True, "reply_markup": {"inline_keyboard": [[{"text": "a", "callback_data": "b"}]]}}
    flat = {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}
    forms: dict[str, dict[str, Any]] = {
        "query": {"params": flat},
        "urlencoded": {"data": flat},
        "multipart": {"data": _multipart(values)},
        "json": {"json": values},
    }
    async with aiohttp.ClientSession() as http, http.post(f"{fake.url}/bot{fake.token}/sendMessage", **forms[form]) as answer:
        assert (await answer.json())["ok"]
    (bubble,) = (await wang.view()).bubbles
    assert (bubble.text, bubble.labels) == ("字", ["a"])


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        ("{", "application/json", "Bad Request: can't parse request JSON body"),
        ("[1]", "application/json", "Bad Request: can't parse request JSON body"),
        ('{"chat_id": 1, "text": "\\ud800"}', "application/json", "Bad Request: chat not found"),
        ('{"chat_id": WANG, "text": "\\ud800"}', "application/json", "Bad Request: strings must be encoded in UTF-8"),
        ("chat_id=WANG&text=%ff", "application/x-www-form-urlencoded", "Bad Request: strings must be encoded in UTF-8"),
        ("text=x", "application/x-www-form-urlencoded", "Bad Request: chat_id is empty"),
        ("chat_id=WANG&text=x&reply_markup={", "application/x-www-form-urlencoded", "Bad Request: can't parse reply_markup JSON object"),
        ("chat_id=WANG&text=x&message_thread_id=a", "application/x-www-form-urlencoded", "Bad Request: invalid message_thread_id specified"),
    ],
)
async def test_bodies_that_cannot_be_read(fake: Fake, body: str, kind: str, words: str) -> None:
    wang = await fake.person()
    sent = body.replace("WANG", str(wang.id)).encode()
    async with aiohttp.ClientSession() as http, http.post(f"{fake.url}/bot{fake.token}/sendMessage", data=sent, headers={"Content-Type": kind}) as answer:
        assert (answer.status, (await answer.json())["description"][: len(words)]) == (400, words)


ODD: tuple[Any, ...] = (
    None, "", " ", "x", "{", "[]", "{}", "[[]]", "null", "-1", "1e9", "9" * 40, True, 0, -5, 2**70, 1.5, [], {}, [None], [[None]], ["x"], [1], {"a": 1},
    {"type": 1},
    {"message_id": "x"}, {"message_id": None}, {"inline_keyboard": 1}, {"inline_keyboard": [[1]]}, {"inline_keyboard": [[{"text": 1}]]}, {"keyboard": None},
    [{"type": "photo", "media": 1}], [{"type": "photo"}], [{"command": None}], [{"offset": "0", "length": 1}], [{"type": "emoji", "emoji": None}], "attach://x",
    "\x00", "<b", "*",
)  # fmt: skip


def odd(names: frozenset[str], chance: Random) -> dict[str, Any]:
    return {name: chance.choice(ODD) for name in chance.sample(sorted(names), k=min(len(names), chance.randint(1, 3)))}


async def test_no_parameter_breaks_it(fake: Fake) -> None:
    """Whatever a call carries, the answer is the server's; what the fake breaks on would be in its failures."""
    desk = await fake.forum()
    wang = await desk.member("Wang")
    said = await wang.say("x")
    chance, methods = Random(1), METHODS.values()
    assert {method.run.__module__ for method in methods} == {module.__name__ for module in MODULES}
    known = {"chat_id": desk.id, "from_chat_id": desk.id, "message_id": said["message_id"], "text": "x", "user_id": wang.id, "timeout": 0}
    async with aiohttp.ClientSession() as http:
        for method in methods:
            for _ in range(40):
                values = {name: value for name, value in known.items() if name in method.parameters} | odd(method.parameters - {"timeout", "url"}, chance)
                async with http.post(f"{fake.url}/bot{fake.token}/{method.name}", json=values) as answer:
                    assert answer.status < 500, (method.name, values, await fake.failures())
    await fake.failures(forget=True)

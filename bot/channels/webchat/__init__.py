"""The web chat: a page for phones at `/`, the HTTP interface behind it under `/chat/`, and one script line that puts it into another site.

    <script src="https://bot.example/embed.js" data-merchant="<signed identity, optional>" async></script>

Who writes is known by a token that the server made (`passes`): a cookie, or `Authorization: Bearer` where cookies are blocked. Nobody can name a chat. All
bodies are JSON, all errors `{"error": code, "message": a sentence}`; 401 `no-session` means: call `session` (again).

| call | body or query | answer |
|---|---|---|
| POST /chat/session | `{}` or `{"merchant": signed identity}` | `{"token", "visitor", "identified", "welcome", "telegram"}` |
| POST /chat/messages | `{"client_id", "text"}` or `{"client_id", "choice"}` | 202 `{"client_id", "visitor"}` |
| POST /chat/photo | form: `client_id`, `photo`, `caption`; or the bare picture and `?client_id=` | 202 `{"client_id", "photo", "visitor"}` |
| GET /chat/messages | `?after=` line id, `&wait=` up to 25 s | `{"visitor", "conversation", "lines", "more"}` |
| GET /chat/messages | `?before=` line id | the last 100 lines before that line, oldest first; `more`: there are earlier ones |
| GET /chat/events | `?after=` or `Last-Event-ID` | server-sent events, below |
| GET /chat/photo/{id} | | the picture, 404 for none and another's |
| POST /chat/telegram | `{}` | `{"url"}`: continues the chat in Telegram, for an hour; 404 where `telegram` is false |
| POST /chat/delete-my-data | `{}`, or `{"confirm": true}` to do it | `{"deleted", "open", "token"}`, below |

Nothing is deleted without `confirm`; `open` are the numbers of tickets that are still worked on and would go, too. A visitor is a new one afterwards, a signed
merchant stays.

`client_id` (8 to 64 letters, digits, `-`, `_`) is the sender's: the same one again is the same message, so whoever hears no answer sends again. `token` is null
when the one that was shown is good. `visitor` and `conversation` are opaque marks: another `conversation` than before means that what was shown is gone,
another `visitor` that the cookie was exchanged (another tab was faster, or deleted): call `session` again.

A line is `{"id", "side": "merchant" | "bot" | "staff", "at": ms UTC}` and what it has of `text`, `choice`, `label`, `photo`, `client_id` (the merchant's
own) or `bubbles`, `choices: [{"id", "label"}]`, `text`, `photo` (the other side's). Events: `event: conversation` with `{"visitor", "conversation"}` first and
when it changes, then one per line with `id:`; a comment each 15 s; the end of the stream is nothing bad.
"""

from bot.service.buckets import Limit

from .options import Options
from .routes import add_routes

__all__ = ["Limit", "Options", "add_routes"]

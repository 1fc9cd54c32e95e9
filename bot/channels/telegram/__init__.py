"""Telegram: merchants write to the bot in a private chat.

```
getUpdates (`poller`) ┐                                                      ┌ `sender`: sendMessage, photos, what must be deleted
                      ├► `reception` ► `updates.screened` ► inbox ► … ► outbox ┤
webhook (`hook`)      ┘                                                      └ `files`: fetches what merchants send
```

An update is cleaned of secrets and of everything that nobody uses, committed, and only then confirmed; what it means is read in the step (`updates.read`).
`client` is the one module that imports aiogram, which takes seconds: it is loaded where a token is set, and beside everything else.

What comes from the staff's group is kept by `forum`. In other groups the bot has no business, and leaves them.
"""

"""The staff's group on Telegram: a forum with one topic for each ticket.

```
ticket, transcript, deeds ──► `mirror` (which are behind) ──► `showing` (what is missing) ──► `client`, at the group's `pace` ──► Telegram
Telegram ──► `entrance` (screened, kept) ──► `clerk` ──► `writings`, `presses` (who, what) ──► `Acts.do` ──► the one road
```

What is shown is made of the rows of the ticket and nothing else, so console and group show the same, and a crash, a call that was missed or a topic that
somebody deleted heals by itself. What staff write is kept before Telegram may forget it, and done under an id that stays the same when it is done again.
`card`, `lines`, `buttons`, `came`, `orders` and `suggest` are pure. `shift` sees to it that one process at a time works on the group.
"""

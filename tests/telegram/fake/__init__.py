"""A stateful fake Bot API server: as strict as the real one, and loud about what it does not know.

It runs as a process of its own (`python -m tests.telegram.fake --port 0` prints one JSON line `{"url": …, "token": …}` when it is ready) and knows one bot.
Tests start it and act as people through `tests.telegram.people`, which is the interface to rely on:

    async with people.telegram() as fake:              # fails at the end when the fake heard a method or parameter that it does not know
        bot = Bot(fake.token, base_url=f"{fake.url}/bot", base_file_url=f"{fake.url}/file/bot")
        wang = await fake.person("Wang")                # a user with a started private chat
        await wang.say("hello")
        bubble = await wang.sees(lambda seen: "welcome" in seen.text)
        await wang.press(bubble, label="yes")

In pytest the fixture `fake` of `tests/telegram/conftest.py` gives one such server with a new world per test.

Over HTTP: `/bot<token>/<method>`, `/file/bot<token>/<path>`, and `/control/<verb>` (JSON in, JSON out; the verbs are the functions of `acts` and `control`).

Where the documents leave a choice the fake takes the stricter side: texts are counted in UTF-16 units, an album has 2 to 10 parts, a topic name 1 to 128
characters, a callback query can be answered once. Message ids are counted per chat, so that nobody takes them for unique. Methods that are known but parameters
that are not modelled (business connections, paid media …) count as failures.
"""

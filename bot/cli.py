"""The `posbot` commands. Exit codes: 0 done, 1 the knowledge base or the messages have errors, 2 wrong usage."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot import app, settings
from bot.domain.errors import KnowledgeError, PosbotError
from bot.domain.staff import Role
from bot.editing import details, evaluate, simulate
from bot.editing.ask import as_json, as_text
from bot.editing.messages import MessageFileError
from bot.wording import say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TextIO

DONE, FAILED, USAGE = 0, 1, 2
HEADLINE = ("messages", "top1", "right", "right_or_offered", "wrong", "human", "chitchat", "out_of_scope", "unclear", "ms_p50", "ms_p99")
CASES = Path("tests/cases")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code. Nothing that can be typed or piped in ends in a traceback."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        with suppress(AttributeError):
            stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    try:
        code = _run(arguments)
        print(end="", flush=True)  # a full disk is told here, not by the interpreter on its way out
    except MessageFileError as error:
        print(error, file=sys.stderr)
        return USAGE
    except KnowledgeError as error:
        print(say("cli.knowledge-broken", count=len(error.problems)), file=sys.stderr)
        print(error, file=sys.stderr)
        return FAILED
    except PosbotError as error:
        print(error, file=sys.stderr)
        return FAILED
    except BrokenPipeError:  # `posbot eval … | head`: the reader has seen enough
        _close_output()
        return DONE
    except OSError as error:
        _close_output()
        print(say("cli.cannot-stream", reason=error.strerror), file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return 130
    return code


def _run(arguments: Sequence[str] | None) -> int:
    try:
        options = _parser().parse_args(arguments)
    except SystemExit as end:  # --help, wrong usage
        return int(end.code or DONE)
    return int(options.run(options))


def _close_output() -> None:
    """Let what is still in the buffer go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _input() -> TextIO:
    """What is piped in; nothing when the input is closed (`posbot ask <&-`)."""
    return sys.stdin or io.StringIO()


def _folder(typed: str) -> Path:
    """A folder that was named. Raises ArgumentTypeError for the empty name, which would otherwise be the current folder."""
    if not typed.strip():
        raise argparse.ArgumentTypeError(say("cli.empty-path"))
    return Path(typed)


def _parser() -> argparse.ArgumentParser:
    defaults = settings.read()
    parser = argparse.ArgumentParser(prog="posbot", description=say("cli.about"))
    commands = parser.add_subparsers(required=True, metavar=say("cli.command"))

    def command(name: str, run: Any, under: Any = commands, *, knowledge: bool = True, json_output: bool = False, key: str = "") -> argparse.ArgumentParser:
        about = say(f"cli.{key or name}")
        entry: argparse.ArgumentParser = under.add_parser(name, help=about, description=about)
        entry.set_defaults(run=run, cache=defaults.cache)
        if knowledge:
            entry.add_argument("--knowledge", type=_folder, default=defaults.knowledge, metavar="DIR", help=say("cli.knowledge"))
        if json_output:
            entry.add_argument("--json", action="store_true", help=say("cli.json"))
        return entry

    command("ask", _ask, json_output=True).add_argument("text", nargs="?", help=say("cli.text"))
    command("chat", _chat).add_argument("--jsonl", action="store_true", help=say("cli.jsonl"))
    command("eval", _eval, json_output=True).add_argument("file", type=Path, metavar="FILE.jsonl")
    command("details", _details, knowledge=False, json_output=True).add_argument("file", type=Path, metavar="FILE.jsonl")
    command("serve", _operate("serve"), knowledge=False)
    command("doctor", _operate("check"), knowledge=False)
    for name in ("backup", "restore"):
        command(name, _operate(name), knowledge=False).add_argument("file", type=Path, metavar="FILE")
    for name in ("purge", "migrate", "reload"):
        command(name, _operate(name), knowledge=False)
    _add_staff(command, commands.add_parser("staff", help=say("cli.staff")).add_subparsers(required=True, metavar=say("cli.command")))
    _add_telegram(command, commands.add_parser("telegram", help=say("cli.telegram")).add_subparsers(required=True, metavar=say("cli.command")))
    kb = commands.add_parser("kb", help=say("cli.kb")).add_subparsers(required=True, metavar=say("cli.command"))
    command("check", _kb_check, kb)
    command("learn", _kb_learn, kb)
    command("schema", _kb_schema, kb, knowledge=False).add_argument("--out", type=_folder, metavar="DIR", help=say("cli.out"))
    simulation = command("simulate", _kb_simulate, kb, json_output=True)
    simulation.add_argument("--dialogues", type=int, default=2000, metavar="N", help=say("cli.dialogues"))
    simulation.add_argument("--seed", type=int, default=1, metavar="N", help=say("cli.seed"))
    return parser


def _add_telegram(command: Callable[..., argparse.ArgumentParser], under: Any) -> None:
    """Commands for the bot in Telegram."""
    command("setup", _telegram_setup, under, knowledge=False, key="telegram-setup")
    command("desk", _telegram_desk, under, knowledge=False, key="telegram-desk")
    link = command("link", _telegram_link, under, knowledge=False, key="telegram-link")
    link.add_argument("--terminal", required=True, metavar="NO", help=say("cli.terminal"))
    link.add_argument("--shop", default="", metavar="NAME", help=say("cli.shop"))


def _add_staff(command: Callable[..., argparse.ArgumentParser], under: Any) -> None:
    """Commands for accounts. No password is ever an argument: those of other programs can be seen by everybody on the machine."""

    def staff(name: str, run: Callable[[argparse.Namespace], int], *, login: bool = True, json_output: bool = False) -> argparse.ArgumentParser:
        entry = command(name, run, under, knowledge=False, json_output=json_output, key=f"staff-{name}")
        if login:
            entry.add_argument("login", metavar="LOGIN", help=say("cli.login"))
        return entry

    roles = [str(role) for role in Role]
    add = staff("add", _staff_add)
    add.add_argument("--name", default="", help=say("cli.staff-name"))
    add.add_argument("--role", choices=roles, default=Role.STAFF, help=say("cli.staff-roles"))
    add.add_argument("--groups", default="", metavar="A,B", help=say("cli.staff-groups"))
    add.add_argument("--telegram", action="store_true", help=say("cli.staff-telegram"))
    staff("telegram", _staff_telegram).add_argument("--unlink", action="store_true", help=say("cli.staff-unlink"))
    for entry in (add, staff("passwd", _staff_passwd)):
        entry.add_argument("--password-stdin", action="store_true", help=say("cli.password-stdin"))
    staff("list", _staff_list, login=False, json_output=True)
    staff("disable", _staff_disable)
    staff("enable", _staff_enable)
    staff("role", _staff_role).add_argument("role", choices=roles, metavar="ROLE", help=say("cli.staff-roles"))


def _staff_add(options: argparse.Namespace) -> int:
    from bot import roster  # noqa: PLC0415  (for `_operate`'s reason)

    given = _input() if options.password_stdin else None
    return roster.add(settings.read(), options.login, name=options.name, role=Role(options.role), groups=options.groups, given=given, telegram=options.telegram)


def _staff_telegram(options: argparse.Namespace) -> int:
    from bot import roster  # noqa: PLC0415

    return (roster.unlink if options.unlink else roster.code)(settings.read(), options.login)


def _staff_passwd(options: argparse.Namespace) -> int:
    from bot import roster  # noqa: PLC0415

    return roster.passwd(settings.read(), options.login, given=_input() if options.password_stdin else None)


def _staff_list(options: argparse.Namespace) -> int:
    from bot import roster  # noqa: PLC0415

    return roster.show(settings.read(), as_json=options.json)


def _staff_disable(options: argparse.Namespace) -> int:
    from bot import roster  # noqa: PLC0415

    return roster.disable(settings.read(), options.login)


def _staff_enable(options: argparse.Namespace) -> int:
    from bot import roster  # noqa: PLC0415

    return roster.enable(settings.read(), options.login)


def _staff_role(options: argparse.Namespace) -> int:
    from bot import roster  # noqa: PLC0415

    return roster.give_role(settings.read(), options.login, Role(options.role))


def _telegram_setup(_: argparse.Namespace) -> int:
    from bot import introduce  # noqa: PLC0415  (for `_operate`'s reason)

    return introduce.setup(settings.read())


def _telegram_desk(_: argparse.Namespace) -> int:
    from bot import introduce  # noqa: PLC0415

    return introduce.desk(settings.read())


def _telegram_link(options: argparse.Namespace) -> int:
    from bot import introduce  # noqa: PLC0415

    return introduce.link(settings.read(), options.terminal, options.shop)


def _operate(name: str) -> Callable[[argparse.Namespace], int]:
    """A command of `bot.operate`, which is loaded only then: a web server and its like are nothing to those who ask one question."""

    def run(options: argparse.Namespace) -> int:
        from bot import operate  # noqa: PLC0415

        arguments = [options.file] if "file" in options else []
        return int(getattr(operate, name)(settings.read(), *arguments))

    return run


def _ask(options: argparse.Namespace) -> int:
    """`posbot ask "…"`; without text, what is piped in."""
    text = _input().read() if options.text is None else options.text
    mind = app.wake(options.knowledge, options.cache)
    answered = mind.answer(text, datetime.now())  # noqa: DTZ005  (the merchant's wall clock)
    print(json.dumps(as_json(answered), ensure_ascii=False, indent=2) if options.json else as_text(answered))
    return DONE


def _chat(options: argparse.Namespace) -> int:
    app.chat(app.wake(options.knowledge, options.cache), _input(), sys.stdout, programs=options.jsonl)
    return DONE


def _eval(options: argparse.Namespace) -> int:
    mind = app.wake(options.knowledge, options.cache)
    found = evaluate.evaluate(options.file, mind.kb, mind.engine)
    report = evaluate.report(found)
    if options.json:
        print(json.dumps(report, ensure_ascii=False))
        return DONE
    for name in HEADLINE:
        print(f"{name:18}{'–' if report[name] is None else report[name]}")
    for result in found:
        if result.failed:
            ranked = "  ".join(f"{topic} {share:.2f}" for topic, share in result.ranked[:4])
            print(f"  {result.label:20}{result.decision.outcome.value:14}{ranked:90}{result.text!r}")
    return DONE


def _details(options: argparse.Namespace) -> int:
    report = details.score(options.file, datetime.now())  # noqa: DTZ005  (the merchant's wall clock)
    mistakes = report.pop("mistakes")
    print(json.dumps(report, ensure_ascii=False))
    if not options.json:
        for mistake in mistakes:
            print(f"  {mistake}")
    return DONE


def _kb_check(options: argparse.Namespace) -> int:
    """All problems, then a count; errors make the command fail, warnings do not."""
    problems = app.inspect(options.knowledge, CASES if CASES.is_dir() else None)
    for problem in problems:
        print(say("cli.error" if problem.fatal else "cli.warning", problem=problem))
    errors = sum(problem.fatal for problem in problems)
    print(say("cli.counted", errors=errors, warnings=len(problems) - errors))
    return FAILED if errors else DONE


def _kb_learn(options: argparse.Namespace) -> int:
    """Learn ahead of time, so that the first message does not wait for it."""
    mind = app.wake(options.knowledge, options.cache)
    print(say("cli.learnt", version=mind.kb.version, folder=options.cache))
    return DONE


def _kb_simulate(options: argparse.Namespace) -> int:
    """Shares of endings and turns per strategy, the product's own first."""
    if options.dialogues < 1:
        print(say("cli.no-dialogues"), file=sys.stderr)
        return USAGE
    mind = app.wake(options.knowledge, options.cache)
    report = simulate.run(mind.kb, mind.engine.understand, options.dialogues, options.seed, simulate.STRATEGIES)
    if options.json:
        print(json.dumps(report, ensure_ascii=False))
        return DONE
    print(say("simulate.head"))
    for name, figures in report["strategies"].items():
        print(say("simulate.row", strategy=say(f"simulate.{name}"), **figures))
    return DONE


def _kb_schema(options: argparse.Namespace) -> int:
    """All schemas as one JSON object, or one file each with the settings for VS Code."""
    schemas = app.json_schemas()
    if options.out is None:
        print(json.dumps(schemas, ensure_ascii=False, indent=2))
        return DONE
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        wanted = {}
        for pattern, schema in schemas.items():
            path = options.out / f"{pattern.partition('/')[0].removesuffix('.yaml')}.json"
            path.write_text(json.dumps(schema, ensure_ascii=False, indent=2) + "\n", "utf-8")
            wanted[path.as_posix()] = f"knowledge/{pattern}"
    except OSError as error:
        print(say("cli.cannot-write", path=options.out, reason=error.strerror), file=sys.stderr)
        return FAILED
    print(say("cli.vscode"))
    print(json.dumps({"yaml.schemas": wanted}, ensure_ascii=False, indent=2))
    return DONE

"""Rows for the reports, whatever merchants and staff do: what is open in the rows is what is at hand in the dialogue."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from bot.domain.conversation import Conversation
from bot.domain.events import Acted
from bot.domain.messages import Address
from bot.domain.tickets import Act, Actor
from bot.service import bodies
from bot.service.deciding import Decider
from bot.service.ports import Pending, Work
from bot.service.troubles import AT_HAND

if TYPE_CHECKING:
    from bot import app
    from bot.service.ports import Outcome, Trouble

HOUR = 3_600_000_000
NOW = 1_764_036_000_000_000
TEXTS = (
    "打印出来是白纸", "还是不行", "好了", "客人说扣了两次钱", "刷卡失败，报05", "扣了", "没扣", "转人工", "重新开始",
    "机器有点问题", "机器冒烟了", "不知道", "不会弄", "还有 退款怎么退", "另一笔 刷卡失败 报51", "平时怎么预防缴费异常", "怎么帮我套现", "高铁票怎么退",
    "你好", "在吗", "是的", "不是", "签到失败", "钱没到账", "没解决", "出了失败单", "查不到",
    "终端号10023345", "5分",
)  # fmt: skip
ACTS = (Act.TAKE, Act.REPLY, Act.SOLVE, Act.CLOSE, Act.HAND_BACK, Act.REOPEN, Act.WAIT_MERCHANT, Act.MISROUTE)
WANG = Actor(login="wang", name="王芳", leads=True)


class Days:
    """A conversation in which anything happens, and the rows that it leaves."""

    def __init__(self, decider: Decider, seed: int) -> None:
        self.chance, self._decider, self._ids, self._now = random.Random(seed), decider, count(1), NOW
        self.work = Work(id=1, public_id=f"c{seed}", address=Address(channel="web", chat="a"), profile="{}", state=None, version=0, events=())
        self.troubles: list[Trouble] = []
        self._choices: list[str] = []

    @property
    def state(self) -> Conversation:
        return Conversation.from_json(json.loads(self.work.state)) if self.work.state else Conversation()

    def go_on(self, events: int) -> Outcome:
        """So many events in one step."""
        outcome = self._decider.decide(replace(self.work, events=tuple(self._event() for _ in range(events))))
        assert outcome.dead == ()
        self.work = replace(self.work, state=outcome.state, version=self.work.version + 1)
        self._choices = [choice["id"] for line in outcome.spoken if line.side == "bot" for choice in json.loads(line.body)["choices"]]
        for trouble in outcome.troubles:
            if trouble.event is not None:
                self.troubles.append(trouble)
            elif self.troubles and self.troubles[-1].ended is None:
                last = self.troubles[-1]
                self.troubles[-1] = replace(last, topic=trouble.topic or last.topic, ended=trouble.ended, how=trouble.how)
        return outcome

    def _event(self) -> Pending:
        self._now += self.chance.choice((1, 1, 1, 1, 4, 30, 200)) * HOUR // 4
        return Pending(id=next(self._ids), received=self._now, **dict(zip(("kind", "body"), self._happening(), strict=True)))

    def _happening(self) -> tuple[str, str]:
        ticket, dice = self.state.ticket, self.chance.random()
        if ticket and dice < 0.25:
            act = self.chance.choice(ACTS)
            to = "printer/clean-printer" if act is Act.HAND_BACK else "declined"
            return bodies.ACTED, bodies.acted(Acted(actor=WANG, act=act, number=ticket.number, text="好的", to=to))
        if self._choices and dice < 0.55:
            return bodies.CHOSE, json.dumps({"choice": self.chance.choice(self._choices)})
        if dice < 0.6:
            return bodies.SILENT, "{}"
        return bodies.EDITED if dice < 0.65 else bodies.SAID, bodies.written(self.chance.choice(TEXTS), ())


@pytest.mark.parametrize("seed", range(60))
def test_what_is_open_is_at_hand(mind: app.Mind, seed: int) -> None:
    ids = count(1)
    decider = Decider(mind=lambda: mind, clock=lambda: NOW, new_id=lambda: f"t{next(ids)}", zone=ZoneInfo("Asia/Shanghai"), pushing=lambda _: False)
    days = Days(decider, seed)
    for _ in range(12):
        outcome = days.go_on(days.chance.choice((1, 1, 1, 3)))
        state, is_open = days.state, bool(days.troubles) and days.troubles[-1].ended is None
        assert len([trouble for trouble in outcome.troubles if trouble.event is None]) <= 1
        assert len({(trial.event, trial.topic, trial.step) for trial in outcome.trials}) == len(outcome.trials)
        assert all(trial.topic in mind.kb.topics and trial.step in mind.kb.steps for trial in outcome.trials)
        assert all(trouble.ended is not None for trouble in days.troubles[:-1])
        assert all((trouble.ended is None) == (trouble.how is None) for trouble in days.troubles)
        if is_open:
            assert state.phase in AT_HAND
            assert days.troubles[-1].topic == (state.topic or days.troubles[-1].topic)
        elif state.phase in AT_HAND:
            assert state.ticket, "only what staff had a hand in is not counted"

"""How people do things while the bot may die at any moment: they do them again until they had their effect."""

import time
from collections.abc import Callable
from contextlib import suppress

from drill.actors import COMMAND, NothingToPress, NotTaken, Person
from drill.messages import Message
from drill.ordering import OrderFailed
from drill.waiting import NotInTime
from tests.crashes.run import CrashRun

AGAIN_AFTER = 10.0
"""Seconds without an effect after which somebody does it again, though the bot took it."""

TRIES_AGAIN_AFTER = 0.5
"""The same for somebody who was told that it did not work."""

OPENS_WITHIN = 3.0
GIVES_UP_AFTER = 180.0

Deed = Callable[[], object]
Sign = Callable[[], object]


class People:
    """Does what people do, one deed after the other."""

    def __init__(self, run: CrashRun) -> None:
        self._run = run

    def do(self, name: str, deed: Deed, sign: Sign) -> None:
        """Do it until there is a sign that it had its effect. Raises `NotInTime` when there never is one.

        What was not taken, is not there to be pressed yet, or has moved on meanwhile is no failure: the sign
        decides.
        """
        end = time.monotonic() + GIVES_UP_AFTER
        while not sign():
            if time.monotonic() > end:
                raise NotInTime(f"“{name}” had no effect within {GIVES_UP_AFTER:g} seconds.\n{self._run.story()}")
            self._run.tend()
            self._run.on_deed(name)
            wait = AGAIN_AFTER
            try:
                deed()
            except (NotTaken, NothingToPress, OrderFailed):
                wait = TRIES_AGAIN_AFTER
            self._run.comes(sign, wait)

    def types(self, name: str, who: Person, line: str, sign: Sign) -> None:
        """Type a line after the command."""
        self.do(name, lambda: who.types(f"{COMMAND} {line}"), sign)

    def presses(self, name: str, who: Person, find: Callable[[], Message | None], button: str, sign: Sign) -> None:
        """Press a button of a message, which is looked for anew each time."""

        def deed() -> None:
            message = find()
            if message is None or message.button(button) is None:
                raise NothingToPress(f"there is no {button!r} to press for “{name}” yet")
            who.clicks(message, button, confirmed=True)

        self.do(name, deed, sign)

    def fills_in(
        self, name: str, who: Person, find: Callable[[], Message | None], button: str, words: str, sign: Sign
    ) -> None:
        """Press a button that opens a form, write the words and send it."""
        self._close_form(who)

        def deed() -> None:
            if who.form() is None:
                message = find()
                if message is None or message.button(button) is None:
                    raise NothingToPress(f"there is no {button!r} to press for “{name}” yet")
                # A form can open although its click was not taken: then it is there to be filled in.
                with suppress(NotTaken):
                    who.clicks(message, button)
            form = self._run.comes(who.form, OPENS_WITHIN)
            if form is None:
                raise NothingToPress(f"no form opened for “{name}”")
            self._run.on_deed(f"{name}, form")
            who.submits(form, words)

        self.do(name, deed, sign)
        self._close_form(who)

    def _close_form(self, who: Person) -> None:
        """Close a form that is left over: what it was for has happened."""
        form = who.form()
        if form is not None:
            self._run.slack.orders.give("close", user=who.id, view_id=form.id)

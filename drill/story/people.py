"""Steps 3 and 4: everybody is asked, and everybody is settled, one kind of person after the other."""

from drill import cast
from drill.story.habits import DoesTheirPart, Item
from drill.story.stage import Stage, StoryBroken

AT_ONCE = {"olivia": "", "priya": "", "mia": cast.OLD_ADDRESS, "gita": ""}
"""Who does it at once, and the address that their user has at Mailgun where it is not theirs in Slack."""
ELSEWHERE = ("sam", "noah")


def people_do_their_part(stage: Stage) -> None:
    """Until each of them has done it, is vouched for, was let go with a reason, or is no user any more."""
    everybody_is_asked(stage)
    it_does_not_suit_everybody(stage)
    some_are_asked_whether_it_was_them(stage)
    some_need_a_reminder(stage)
    the_owner_is_late(stage)
    an_approver_speaks_for_others(stage)
    the_requester_says_who_they_are(stage)
    people_come_and_go(stage)
    stage.step_is(3, "done", seconds=20)
    stage.step_is(4, "done", seconds=20)


def does(stage: Stage, name: str, address: str = "", items: tuple[Item, ...] = tuple(Item)) -> DoesTheirPart:
    """From here on, somebody does their part."""
    habit = DoesTheirPart(stage.person(name), stage.company, stage.transcript.narrate_of, address, items=items)
    stage.habits.append(habit)
    return habit


def everybody_is_asked(stage: Stage) -> None:
    """One message each. Most people do it at once."""
    stage.transcript.heading("Steps 3 and 4: everyone's own password and two-factor authentication")
    mailgun = stage.company.mailgun
    stage.outside("Lena has heard of it, and turns on two-factor authentication before anybody asks her.")
    mailgun.turns_on_two_factor(cast.UPPER)
    stage.outside("Whoever has Jonas's password turns it on for him, on a phone of their own.")
    mailgun.turns_on_two_factor("jonas@example.com")
    for name, address in AT_ONCE.items():
        does(stage, name, address)
    for name in ELSEWHERE:
        does(stage, name)
    does(stage, "tom", items=(Item.PASSWORD,))
    stage.priya.clicks(stage.step(3), "Approve")
    stage.priya.clicks(stage.step(4), "Approve")
    stage.step_is(3, "running")
    stage.step_is(4, "running")
    stage.settled(*AT_ONCE)


def it_does_not_suit_everybody(stage: Stage) -> None:
    """One puts it off, one cannot do it, and one has gone on leave meanwhile."""
    stage.transcript.heading("Later, not at all, and away")
    stage.outside("Tess goes on leave, and her Slack account is deactivated.")
    stage.company.slack.orders.change("users/UTESS", deleted=True)
    ravi, tom, olivia = stage.person("ravi"), stage.person("tom"), stage.olivia
    ravi.chooses(stage.reads(ravi, "checklist"), "Remind me later", "In an hour")
    stage.hears(ravi, "The next reminder comes", channel=ravi.id)
    tom.clicks(stage.reads(tom, "checklist", f"☑ {Item.PASSWORD}"), "I cannot do this")
    stage.fills_in(tom, "My phone was stolen. I get a new one on Monday")
    notice = stage.reads(olivia, "notice", "My phone was stolen")
    olivia.clicks(notice, "Stop reminding, with a reason")
    stage.fills_in(olivia, "IT hands him a phone on Monday; until then his user may only read")
    stage.hears(olivia, "is not reminded any longer", channel=olivia.id)
    stage.settled("tom")


def some_are_asked_whether_it_was_them(stage: Stage) -> None:
    """A change from before they were reached: it was Lena's own, and somebody else's in Jonas's name."""
    stage.transcript.heading("“Was that you?”")
    does(stage, "lena", cast.UPPER, items=(Item.PASSWORD,))
    does(stage, "jonas", items=(Item.PASSWORD,)).answer = "No"
    stage.reads(stage.olivia, "notice", "was not theirs")
    stage.outside("Mailgun Support takes it off his user, and Jonas turns it on anew, with his own phone.")
    user = "users/jonas@example.com"
    stage.company.mailgun.orders.change(user, tfa_active=False)
    stage.company.mailgun.orders.change(user, tfa_active=True)
    stage.settled("lena", "jonas")


def some_need_a_reminder(stage: Stage) -> None:
    """Chen presses too early; Dana, and Quinn with two Mailgun users, do it once they are reminded."""
    stage.transcript.heading("Some need a reminder")
    stage.outside("Chen presses before he has done anything. Dana and Quinn have not found the time.")
    chen = does(stage, "chen")
    chen.after_reminders, chen.hasty = 1, True
    does(stage, "dana", cast.PLUS).after_reminders = 1
    for address in cast.TWO_USERS:
        does(stage, "quinn", address).after_reminders = 1
    stage.settled("chen", "dana", "quinn")


def the_owner_is_late(stage: Stage) -> None:
    """The owner can do the most harm: named first in the day's summary, and reminded from there."""
    stage.transcript.heading("The account's owner is late")
    stage.outside("Victor owns the account, and has been on a plane all day.")
    olivia, victor = stage.olivia, stage.person("victor")
    summary = stage.reads(olivia, "summary")
    if cast.OWNER not in summary.buttons[0].beside:
        raise StoryBroken(f"The summary does not name the account's owner first, but: {summary.buttons[0].beside}")
    habit = does(stage, "victor")
    habit.after_reminders = len(victor.inbox("reminder")) + 1
    olivia.clicks(summary, "Remind now", beside=cast.OWNER)
    stage.hears(olivia, f"{cast.OWNER} is reminded", channel=olivia.id)
    stage.settled("victor")


def an_approver_speaks_for_others(stage: Stage) -> None:
    """Mailgun cannot show of Sam and Noah that they did it: Priya makes sure. She tells the contractor herself."""
    stage.transcript.heading("Who signs in elsewhere, and a contractor")
    priya, mailgun = stage.priya, stage.company.mailgun
    priya.clicks(stage.step(3), "Who is left (approvers)")
    left = stage.hears(priya, "Who is left")
    stage.outside("Priya asks Sam and Noah, and has a look with each of them.")
    for name in ELSEWHERE:
        for what in ("new password", "two-factor authentication"):
            priya.clicks(left, f"Confirmed: {what}", beside=f"{name}@example.com")
        stage.hears(priya, f"Confirmed for {name}@example.com")
    priya.clicks(left, "I tell them myself", beside=cast.CONTRACTOR)
    stage.hears(priya, f"you tell {cast.CONTRACTOR}")
    is_off_the_list(stage, cast.CONTRACTOR)
    stage.outside("Priya calls Carl, who does both at Mailgun while they speak.")
    mailgun.resets_password(cast.CONTRACTOR)
    mailgun.turns_on_two_factor(cast.CONTRACTOR)
    stage.settled(*ELSEWHERE)


def the_requester_says_who_they_are(stage: Stage) -> None:
    """Those whom the bot does not find in Slack, or cannot write to: Olivia says of each who that is."""
    stage.transcript.heading("Whom the bot does not find")
    olivia, mailgun = stage.olivia, stage.company.mailgun
    eva = next(str(user["id"]) for user in mailgun.state()["users"] if user["name"] == cast.NAMELESS)
    identifies(stage, cast.FUNCTION, "Max Meyer")
    does(stage, "max", cast.FUNCTION)
    identifies(stage, cast.SERVICE, "Kim Kowalski")
    does(stage, "kim", cast.SERVICE)
    stage.outside("Mailgun has no address for Eva's user, to which it could send a mail. Priya enters hers.")
    mailgun.orders.change(f"users/{eva}", email="eva@example.com")
    identifies(stage, cast.NAMELESS, "Eva Ek")
    does(stage, "eva", eva)
    stage.settled("max", "kim", "eva")

    decides(stage, cast.GONE, "Has left", f"Please remove {cast.GONE}")
    stage.outside("Olivia removes Ursula's user at Mailgun.")
    mailgun.orders.change(f"users/{cast.GONE}", removed=True)
    decides(stage, cast.DEACTIVATED, "Has left", f"Please remove {cast.DEACTIVATED}")
    stage.outside("Olivia disables Finn's user at Mailgun.")
    mailgun.orders.change(f"users/{cast.DEACTIVATED}", is_disabled=True)
    decides(stage, cast.ON_LEAVE, "I tell them myself", f"you tell {cast.ON_LEAVE}")
    stage.outside("Olivia calls Tess, who does both at Mailgun on her way to the beach.")
    mailgun.resets_password(cast.ON_LEAVE)
    mailgun.turns_on_two_factor(cast.ON_LEAVE)
    stage.reads(olivia, "strays", "Nobody is left here")


def identifies(stage: Stage, called: str, name: str) -> None:
    """Olivia chooses from the menu who a Mailgun user is in Slack."""
    olivia = stage.olivia
    olivia.chooses(stage.reads(olivia, "strays", called), "Who is it in Slack?", name, beside=called)
    is_off_the_list(stage, called)


def decides(stage: Stage, called: str, button: str, answer: str) -> None:
    """Olivia presses a button beside somebody in the list of those whom the bot cannot reach."""
    olivia = stage.olivia
    olivia.clicks(stage.reads(olivia, "strays", called), button, beside=called)
    stage.hears(olivia, answer, channel=olivia.id)
    is_off_the_list(stage, called)


def is_off_the_list(stage: Stage, called: str) -> None:
    """Return once nobody is asked any more who this is: from then on the rows below have moved up."""

    def is_off() -> bool:
        return not any(called in menu.beside for menu in stage.reads(stage.olivia, "strays").menus)

    stage.wait(f"{called} to be off the list", is_off)


def people_come_and_go(stage: Stage) -> None:
    """Nina joins, Gita turns it off again, and Ravi is back."""
    stage.transcript.heading("Who joins, who undoes it, and who is back")
    mailgun = stage.company.mailgun
    stage.outside("Nina starts today, and gets a user at Mailgun.")
    mailgun.orders.give("users", email=cast.JOINS_LATER)
    does(stage, "nina")
    stage.settled("nina")
    stage.outside("Gita has a new phone, and turns two-factor authentication off.")
    mailgun.orders.change("users/gita@example.com", tfa_active=False)
    gita = stage.person("gita")
    stage.reads(gita, "checklist", f"☐ {Item.TWO_FACTOR}")
    stage.reads(gita, "reminder")
    does(stage, "gita")
    stage.settled("gita")
    stage.outside("Ravi's meeting is over.")
    does(stage, "ravi")
    stage.settled("ravi")

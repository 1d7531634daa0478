"""Step 3: each user with access resets their password, by a mailed link that lives 20 minutes."""

from recovery.account import AccountUser, Inventory, SignIn
from recovery.letting_go import ask_nothing_more, ask_those_known
from recovery.people import Evidence, PeopleStep
from recovery.signing_in import LOGIN_PAGE, USERS_PAGE, elsewhere
from recovery.state import Facts, Incident, Person, StepState
from recovery.step import number
from recovery.step_view import StepView
from recovery.store import Transaction
from recovery.text import Bold, Code, Line, Link, count, line


class Passwords(PeopleStep):
    kind = "passwords"
    number = 3
    title = "Everyone resets their password"
    names = ("passwords", "password", "reset")
    verb = "reset their password"
    plea = "Reset your Mailgun password"
    plea_elsewhere = "Reset the password that you sign in to Mailgun with"
    item = "new password"
    after_a_no = (
        "Ask them to reset their password at once. If they cannot, disable their user at Mailgun until they can: "
        "whoever changed it is probably still signed in as them."
    )
    reminder_at_mailgun = line(
        "Please reset your Mailgun password: at the ",
        Link(LOGIN_PAGE, "login page"),
        ", choose ",
        Bold("Forgot password"),
        ".",
    )
    said = "I have reset my password"

    def count(self, inventory: Inventory, incident: Incident) -> Facts:
        users = [user for user in inventory.users if not user.is_disabled]
        own = sum(user.sign_in is SignIn.PASSWORD for user in users)
        return {"users": len(users), "own": own, "elsewhere": len(users) - own}

    def explain(self, view: StepView) -> list[Line]:
        facts = view.state.facts
        if "users" in facts:
            who = f"Asks {count(number(facts, 'users'), 'user')} of the account"
            elsewhere = number(facts, "elsewhere")
            them = count(elsewhere, "of them is", "of them are")
            where = "where they sign in: Sinch ID, a company login or another"
            how = f"; {them} asked to do it {where}" if elsewhere else ""
        else:
            who, how = "Asks every user of the account", ""
        return [
            line(f"{who} to reset their password, in a direct message to each{how}."),
            line("Breaks nothing. Nobody else can do it for them: Mailgun mails a link that expires after 20 minutes."),
            line("Mailgun shows when it is done. For those whom it cannot show, an approver confirms."),
        ]

    def on_skipped(self, tx: Transaction, incident: Incident, state: StepState) -> None:
        ask_nothing_more(tx, incident, state.decided_at or incident.opened_at, state.id)

    def hand_instructions(self) -> list[Line]:
        return [
            line(
                "Mailgun cannot be asked who has done it: ask each of the ",
                Link(USERS_PAGE, "users"),
                ", or their admin.",
            ),
            line("Whoever has no access any more, or does not answer: disable or remove their user there."),
        ]

    def on_by_hand(self, tx: Transaction, incident: Incident, state: StepState) -> None:
        ask_those_known(tx, incident, state, state.decided_at or incident.opened_at)

    def evidence(self, user: AccountUser, incident: Incident) -> Evidence:
        at = user.password_updated_at
        return Evidence(at is not None and at > incident.since, at)

    def request_at_mailgun(self, person: Person) -> list[Line]:
        if not person.email:
            return [line("Mailgun has no address of yours to send a mail to: ask whoever asks you to enter one first.")]
        return [
            line("1. Open the ", Link(LOGIN_PAGE, "Mailgun login page"), " and choose ", Bold("Forgot password"), "."),
            line("2. Enter ", Code(person.email), " and wait for the mail. Its link expires after 20 minutes."),
            line("3. Choose a password that you use nowhere else. Then press ", Bold("Check now"), "."),
        ]

    def request_elsewhere(self, person: Person) -> list[Line]:
        return [*elsewhere(person.sign_in).password]

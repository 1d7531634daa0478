"""Step 4: every user turns on two-factor authentication, and is reminded until they have."""

from recovery.account import AccountUser, Inventory, SignIn
from recovery.letting_go import ask_nothing_more, ask_those_known
from recovery.people import Evidence, PeopleStep
from recovery.signing_in import LOGIN_PAGE, USERS_PAGE, elsewhere, sign_in_name
from recovery.state import Facts, Incident, Person, StepState
from recovery.step import number
from recovery.step_view import StepView
from recovery.store import Transaction
from recovery.text import Bold, Code, Line, Link, count, line


class TwoFactor(PeopleStep):
    kind = "two_factor"
    number = 4
    title = "Everyone turns on two-factor authentication"
    names = ("2fa", "tfa", "two-factor", "twofactor")
    verb = "turn on two-factor authentication"
    plea = "Turn on two-factor authentication"
    plea_elsewhere = "Turn on two-factor authentication where you sign in"
    item = "two-factor authentication"
    after_a_no = (
        "The device that confirms their sign-in is probably the attacker's. Ask the account's owner or Mailgun Support "
        "to take two-factor authentication off their user; then they reset their password and turn it on anew."
    )
    reminder_at_mailgun = line(
        "Please turn on two-factor authentication at Mailgun: ",
        Link(LOGIN_PAGE, "sign in"),
        ", open your profile at the top right, then ",
        Bold("Security"),
        ".",
    )
    said = "I have two-factor on"
    may_keep_reminding = True

    def count(self, inventory: Inventory, incident: Incident) -> Facts:
        users = [user for user in inventory.users if not user.is_disabled]
        without = sum(user.sign_in is SignIn.PASSWORD and not user.tfa_active for user in users)
        elsewhere = sum(user.sign_in is not SignIn.PASSWORD for user in users)
        return {"users": len(users), "without": without, "elsewhere": elsewhere}

    def explain(self, view: StepView) -> list[Line]:
        facts = view.state.facts
        if "users" in facts:
            who = f"Asks those who lack it, {number(facts, 'without'):,} of {count(number(facts, 'users'), 'user')},"
            elsewhere = number(facts, "elsewhere")
            others = count(elsewhere, "other is", "others are")
            where = "where they sign in: Sinch ID, a company login or another"
            how = f"; {others} asked to do it {where}" if elsewhere else ""
        else:
            who, how = "Asks every user who lacks it", ""
        return [
            line(f"{who} to turn on two-factor authentication, in a direct message to each{how}."),
            line("Breaks nothing. Each is reminded in their own working hours until they have it."),
            line(
                "Should somebody take days, ",
                Bold("Go on, keep reminding"),
                " lets the last step open meanwhile.",
            ),
        ]

    def on_skipped(self, tx: Transaction, incident: Incident, state: StepState) -> None:
        ask_nothing_more(tx, incident, state.decided_at or incident.opened_at, state.id)

    def hand_instructions(self) -> list[Line]:
        return [
            line(
                "Mailgun cannot be asked who has it: look at the ", Link(USERS_PAGE, "users"), ", or ask each of them."
            ),
            line("They turn it on in their own profile, under ", Bold("Security"), ": nobody can do that for them."),
        ]

    def on_by_hand(self, tx: Transaction, incident: Incident, state: StepState) -> None:
        ask_those_known(tx, incident, state, state.decided_at or incident.opened_at)

    def evidence(self, user: AccountUser, incident: Incident) -> Evidence:
        return Evidence(user.tfa_active, user.tfa_created_at)

    def request_at_mailgun(self, person: Person) -> list[Line]:
        return [
            line("1. Sign in at the ", Link(LOGIN_PAGE, "Mailgun login page"), " as ", Code(person.called), "."),
            line(
                "2. Open your profile at the top right, then ",
                Bold("Security"),
                ", and turn on two-factor authentication with an authenticator app.",
            ),
            line("3. Keep the recovery codes in your password manager. Then press ", Bold("Check now"), "."),
        ]

    def request_elsewhere(self, person: Person) -> list[Line]:
        known = sign_in_name(person.sign_in) is not None
        unless = "" if known else ", unless you sign in with a password of Mailgun's own"
        return [*elsewhere(person.sign_in).second_factor, line(f"Do not turn it on at Mailgun itself{unless}.")]

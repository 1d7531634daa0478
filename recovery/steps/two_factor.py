"""Step 4: every user turns on two-factor authentication, and is reminded until they have."""

from recovery.account import AccountUser, Inventory, SignIn
from recovery.people import LOGIN_PAGE, Evidence, PeopleStep, sign_in_name
from recovery.state import Facts, Incident, Person
from recovery.step import StepView, number
from recovery.text import Bold, Code, Line, Link, count, line


class TwoFactor(PeopleStep):
    kind = "two_factor"
    number = 4
    title = "Everyone turns on two-factor authentication"
    names = ("2fa", "tfa", "two-factor", "twofactor")
    verb = "turn on two-factor authentication"
    plea = "Turn on two-factor authentication"
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

    def evidence(self, user: AccountUser, incident: Incident) -> Evidence:
        return Evidence(user.tfa_active, user.tfa_created_at)

    def request(self, person: Person) -> list[Line]:
        if person.sign_in == SignIn.PASSWORD:
            return [
                line(
                    "1. Sign in at the ",
                    Link(LOGIN_PAGE, "Mailgun login page"),
                    " as ",
                    Code(person.email),
                    ".",
                ),
                line(
                    "2. Open your profile at the top right, then ",
                    Bold("Security"),
                    ", and turn on two-factor authentication with an authenticator app.",
                ),
                line("3. Keep the recovery codes in your password manager. Then press ", Bold("Check now"), "."),
            ]
        way = sign_in_name(person)
        if way is None:
            asked = (
                "Mailgun does not show how you sign in. Use the way you always do (a company login, Sinch ID, Google "
                "or another) and turn on two-factor authentication there."
            )
            not_here = "Do not turn it on at Mailgun itself, unless you sign in with a password of Mailgun's own."
        else:
            asked = f"You sign in to Mailgun through {way}: please turn on two-factor authentication there."
            not_here = "Do not turn it on at Mailgun itself."
        return [
            line(asked),
            line(not_here),
            line("Then tell whoever asked you (named below); an approver confirms it."),
        ]

    def reminder(self, person: Person) -> Line:
        if person.sign_in == SignIn.PASSWORD:
            return line(
                "Please turn on two-factor authentication at Mailgun: ",
                Link(LOGIN_PAGE, "sign in"),
                ", open your profile at the top right, then ",
                Bold("Security"),
                ".",
            )
        way = sign_in_name(person)
        asked = (
            f"You sign in to Mailgun through {way}: please turn on two-factor authentication there"
            if way
            else "Please turn on two-factor authentication for the login that you use for Mailgun"
        )
        return line(f"{asked}, then tell whoever asked you; an approver confirms it.")

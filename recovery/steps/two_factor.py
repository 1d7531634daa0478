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
            who = f"Asks the {number(facts, 'without'):,} of {count(number(facts, 'users'), 'user')} who lack it"
            elsewhere = number(facts, "elsewhere")
            how = f"; {elsewhere:,} sign in elsewhere and are pointed there" if elsewhere else ""
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
        return [
            line(f"You sign in through {sign_in_name(person)}: please turn on two-factor authentication there."),
            line("Do not turn it on at Mailgun itself. Then tell an approver, who confirms it."),
        ]

    def reminder(self, person: Person) -> Line:
        if person.sign_in == SignIn.PASSWORD:
            return line(
                "Please turn on two-factor authentication at Mailgun: ",
                Link(LOGIN_PAGE, "sign in"),
                ", profile, Security.",
            )
        return line(f"Please turn on two-factor authentication with {sign_in_name(person)}, and tell an approver.")

"""Step 3: each user with access resets their password, by a mailed link that lives 20 minutes."""

from recovery.account import AccountUser, Inventory, SignIn
from recovery.people import LOGIN_PAGE, Evidence, PeopleStep, sign_in_name
from recovery.state import Facts, Incident, Person
from recovery.step import StepView, number
from recovery.text import Bold, Code, Line, Link, count, line


class Passwords(PeopleStep):
    kind = "passwords"
    number = 3
    title = "Everyone resets their password"
    names = ("passwords", "password", "reset")
    verb = "reset their password"
    plea = "Reset your Mailgun password"

    def count(self, inventory: Inventory, incident: Incident) -> Facts:
        users = [user for user in inventory.users if not user.is_disabled]
        own = sum(user.sign_in is SignIn.PASSWORD for user in users)
        return {"users": len(users), "own": own, "elsewhere": len(users) - own}

    def explain(self, view: StepView) -> list[Line]:
        facts = view.state.facts
        if "users" in facts:
            who = f"Asks {count(number(facts, 'users'), 'user')} of the account"
            elsewhere = number(facts, "elsewhere")
            how = f"; {elsewhere:,} sign in elsewhere and are pointed there" if elsewhere else ""
        else:
            who, how = "Asks every user of the account", ""
        return [
            line(f"{who} to reset their password, in a direct message to each{how}."),
            line("Breaks nothing. Nobody else can do it for them: Mailgun mails a link that lives 20 minutes."),
            line("Mailgun shows when it is done. Who cannot be seen there is confirmed by an approver."),
        ]

    def evidence(self, user: AccountUser, incident: Incident) -> Evidence:
        at = user.password_updated_at
        return Evidence(at is not None and at > incident.since, at)

    def request(self, person: Person) -> list[Line]:
        if person.sign_in == SignIn.PASSWORD:
            return [
                line(
                    "1. Open the ",
                    Link(LOGIN_PAGE, "Mailgun login page"),
                    " and choose ",
                    Bold("Forgot password"),
                    ".",
                ),
                line(
                    "2. Enter ",
                    Code(person.email),
                    " and wait for the mail. Its link expires after 20 minutes.",
                ),
                line("3. Choose a password that you use nowhere else. Then press ", Bold("Check now"), "."),
            ]
        return [
            line(f"You sign in through {sign_in_name(person)}: please reset your password there, not at Mailgun."),
            line("Then tell an approver, who confirms it."),
        ]

    def reminder(self, person: Person) -> Line:
        if person.sign_in == SignIn.PASSWORD:
            return line("Please reset your Mailgun password: ", Link(LOGIN_PAGE, "login page"), ", Forgot password.")
        return line(f"Please reset your password with {sign_in_name(person)}, and tell an approver.")

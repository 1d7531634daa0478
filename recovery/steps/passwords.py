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
        way = sign_in_name(person)
        if way is None:
            asked = (
                "Mailgun does not show how you sign in. Use the way you always do (a company login, Sinch ID, Google "
                "or another) and reset your password there."
            )
        else:
            asked = f"You sign in to Mailgun through {way}: please reset your password there, not at Mailgun."
        return [line(asked), line("Then tell whoever asked you (named below); an approver confirms it.")]

    def reminder(self, person: Person) -> Line:
        if person.sign_in == SignIn.PASSWORD:
            return line(
                "Please reset your Mailgun password: at the ",
                Link(LOGIN_PAGE, "login page"),
                ", choose ",
                Bold("Forgot password"),
                ".",
            )
        way = sign_in_name(person)
        asked = (
            f"You sign in to Mailgun through {way}: please reset your password there"
            if way
            else "Please reset the password that you sign in to Mailgun with"
        )
        return line(f"{asked}, then tell whoever asked you; an approver confirms it.")

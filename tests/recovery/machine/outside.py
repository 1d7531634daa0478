"""What happens at Mailgun and in Slack meanwhile, and what goes wrong there and with the bot."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from recovery.account import KeyKind, Login, SignIn
from recovery.content import MarkerKind
from recovery.errors import KeyRefused, Later, Refused, Uncertain, Unreachable
from tests.recovery.builders import a_domain, a_key, a_user
from tests.recovery.machine.asking import PEOPLE, Asking
from tests.recovery.machine.mortal import MortalWorld
from tests.recovery.world import APPROVER, REQUESTER

ERRORS: Mapping[str, Callable[[], Exception]] = {
    "refused": lambda: Refused("refused", code="restricted_action"),
    "key refused": lambda: KeyRefused("Forbidden", status=401),
    "unreachable": lambda: Unreachable("deactivated", code="user_disabled"),
    "lost": lambda: Uncertain("timed out"),
    "arrived": lambda: Uncertain("timed out"),
    "later": lambda: Later("slow down", seconds=7),
    "much later": lambda: Later("slow down", seconds=90),
}
AT_MAILGUN = [
    *("set_password", "create_key", "delete_key", "prove_key", "keys", "domains", "logins", "users", "outage"),
    *("subaccounts", "signing_key", "new_signing_key", "new_public_key"),
]
IN_SLACK = ["post", "redraw", "find", "delete", "permalink", "open_direct", "answer", "bring", "share"]
WHO_IS_WHO = ["member", "by_email", "channel"]
CALLS = [
    ("post", "handover "),
    ("post", "greeting "),
    *((call, "") for calls in (AT_MAILGUN, IN_SLACK, WHO_IS_WHO) for call in calls),
]
"""What may fail, and of posts, which."""
CAN_BE_MISSED = {
    MarkerKind.BOARD,
    MarkerKind.STEP,
    MarkerKind.HANDOVER,
    MarkerKind.HANDOVER_CONTROLS,
    MarkerKind.CHECKLIST,
}


class Outside(Asking):
    """The same people, and an outside that changes and lets the bot down."""

    def __init__(self, world: MortalWorld) -> None:
        super().__init__(world)
        self.added = 0

    @rule(name=st.sampled_from(PEOPLE))
    def joins(self, name: str) -> None:
        sign_in = SignIn.SINCH if name == "cyd" else SignIn.PASSWORD
        if f"mailgun-{name}" not in self.world.mailgun.people:
            self.world.mailgun.has_user(a_user(name, sign_in=sign_in))

    @rule(name=st.sampled_from(PEOPLE), disabled=st.booleans())
    def leaves(self, name: str, disabled: bool) -> None:
        if f"mailgun-{name}" in self.world.mailgun.people:
            if disabled:
                self.world.mailgun.change_user(f"mailgun-{name}", is_disabled=True)
            else:
                del self.world.mailgun.people[f"mailgun-{name}"]

    @rule(
        name=st.sampled_from(PEOPLE),
        on=st.sampled_from([True, True, False]),
        earlier=st.sampled_from([0, 0, 10, 10_000]),
    )
    def turns_two_factor(self, name: str, on: bool, earlier: int) -> None:
        if f"mailgun-{name}" in self.world.mailgun.people:
            at = self.world.clock.now() - timedelta(minutes=earlier) if on else None
            self.world.mailgun.change_user(f"mailgun-{name}", tfa_active=on, tfa_created_at=at)

    @rule(name=st.sampled_from(PEOPLE), earlier=st.sampled_from([0, 0, 10]))
    def resets_their_password(self, name: str, earlier: int) -> None:
        if f"mailgun-{name}" in self.world.mailgun.people:
            at = self.world.clock.now() - timedelta(minutes=earlier)
            self.world.mailgun.change_user(f"mailgun-{name}", password_updated_at=at)

    @rule(disabled=st.booleans())
    def disabled(self, disabled: bool) -> None:
        mailgun = self.world.mailgun
        mailgun.all_domains = [
            a_domain(domain.name, domain.region, is_disabled=disabled, disabled_for="abuse" if disabled else None)
            for domain in mailgun.all_domains
        ]

    @rule(kind=st.sampled_from([*KeyKind]))
    def add_key(self, kind: KeyKind) -> None:
        self.added += 1
        key = a_key(f"key-{self.added}", kind, created_at=self.world.clock.now())
        self.world.mailgun.has_key(key, f"the secret of {key.id}")
        if kind is not KeyKind.WEB:
            self.world.originals[key.description] = key

    @precondition(lambda self: self.deletable)
    @rule(which=st.integers(0, 3))
    def somebody_deletes_a_key(self, which: int) -> None:
        key_id = self.deletable[which % len(self.deletable)]
        del self.world.mailgun.api_keys[key_id], self.world.mailgun.key_secrets[key_id]
        self.world.deleted_by_people.add(key_id)

    @property
    def deletable(self) -> list[str]:
        """Keys that people made, but for the one that the bot works with at first."""
        keys = [key.id for key in self.world.originals.values() if key.id in self.world.mailgun.api_keys]
        return [key_id for key_id in keys if key_id != "env-key"]

    @rule(number=st.integers(0, 3), there=st.booleans())
    def a_login_comes_or_goes(self, number: int, there: bool) -> None:
        login = Login("us", "mg.acme.example", f"login-{number}@mg.acme.example")
        self.world.came_at[login.subject] = self.world.clock.now()
        logins = [each for each in self.world.mailgun.all_logins if each != login]
        self.world.mailgun.all_logins = [*logins, login] if there else logins

    @rule(full=st.booleans())
    def the_plan_allows_no_more_keys(self, full: bool) -> None:
        self.world.mailgun.key_limit = len(self.world.mailgun.api_keys) if full else None

    @rule(
        user_id=st.sampled_from([REQUESTER, APPROVER, "U-ANN"]),
        fields=st.sampled_from([{"is_active": False}, {"is_full": False}, {}]),
    )
    def membership_changes(self, user_id: str, fields: dict[str, bool]) -> None:
        self.world.directory.change(user_id, **{"is_active": True, "is_full": True, **fields})

    # --- what goes wrong

    @rule(
        call=st.sampled_from(CALLS),
        how=st.sampled_from([*ERRORS, "lost", "arrived"]),
        times=st.sampled_from([1, 1, 2, 3, 6]),
    )
    def will_fail(self, call: tuple[str, str], how: str, times: int) -> None:
        name, about = call
        if how == ("unreachable" if name in AT_MAILGUN else "key refused"):
            how = "refused"
        self.world.faults.order(name, ERRORS[how](), about, after=how == "arrived", times=times)

    @rule(which=st.integers(0, 30))
    def somebody_deletes_a_message(self, which: int) -> None:
        posted = [m for m in self.world.slack.messages if m.marker.kind in CAN_BE_MISSED and not m.is_deleted]
        if posted:
            posted[-1 - which % len(posted)].is_deleted = True

    @rule()
    def slack_shows_messages_late(self) -> None:
        self.world.slack.hidden_looks = 1

    @rule(points=st.integers(1, 60), rests=st.booleans())
    def will_be_killed(self, points: int, rests: bool) -> None:
        self.world.kill_at(points)
        if rests:
            self.world.live(self.world.work)

    @rule(points=st.integers(1, 40), rests=st.booleans())
    def will_be_stopped(self, points: int, rests: bool) -> None:
        self.world.stop_at(points)
        if rests:
            self.world.live(self.world.work)

    @rule(points=st.integers(1, 40), drawing=st.booleans())
    def will_be_held_up(self, points: int, drawing: bool) -> None:
        self.world.hold_up_at(points, drawing=drawing)
        self.world.live(lambda: self.world.work(drawing=drawing))

    @rule(points=st.integers(1, 40), drawing=st.booleans())
    def others_will_work(self, points: int, drawing: bool) -> None:
        self.world.others_work_at(points, drawing=drawing)
        self.world.live(lambda: self.world.work(drawing=drawing))

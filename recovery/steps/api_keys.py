"""Step 1: reset the private API keys and expire every old one; and what else signs for the account."""

from collections.abc import Mapping, Sequence, Set
from datetime import datetime

from recovery.account import ApiKey, Inventory, KeyKind
from recovery.again import do_again
from recovery.content import Confirm, Row
from recovery.hand import HandItem, hand_done
from recovery.handovers import identity_of
from recovery.holdings import Trace
from recovery.inventory import Owner
from recovery.jobs import TaskKind
from recovery.key_plans import (
    ACCOUNT_KEYS,
    PART_OF,
    PUBLIC_KEY,
    REPLACE,
    RETIRE,
    SENDING_KEYS,
    SESSIONS,
    SIGNING_KEY,
    SPARE,
    approved_parts,
    handed_ids,
    last_old_key_died,
    made_anew_task,
    own_key_id,
)
from recovery.key_round import begin
from recovery.keyring import mark_of
from recovery.keys_by_hand import ITEMS, instructions, made_by_hand
from recovery.replacing import fits, replace_keys, retire_key
from recovery.room_rows import room_rows
from recovery.signing import RENEW, RENEW_AGAIN, renew, renewals_due
from recovery.state import Facts, Incident, NewTask, StepState, StepStatus, TaskStatus
from recovery.step import Step, chosen_parts, left_by_decision, left_out, number, recipient_line, run_again, scope_of
from recovery.step_view import StepView
from recovery.store import Transaction
from recovery.text import Line, count, line

PARTS: Mapping[str, str] = {
    ACCOUNT_KEYS: "Account keys",
    SENDING_KEYS: "Domain sending keys",
    SESSIONS: "Control panel sessions",
    SIGNING_KEY: "Webhook signing key",
    PUBLIC_KEY: "Public validation key",
}


SIGNED_OUT = "Everyone is signed out of the control panel."


class ApiKeys(Step):
    kind = "api_keys"
    number = 1
    title = "Reset API keys"
    names = ("keys", "api", "api-keys", "key")
    destructive = True
    hands_over = True
    makes = Trace.KEY

    def parts(self, state: StepState) -> Mapping[str, str]:
        return PARTS

    def task_kinds(self) -> tuple[TaskKind, ...]:
        return (
            TaskKind(self.begin_kind, begin, "listing the keys"),
            TaskKind(
                REPLACE,
                lambda job: replace_keys(job, self),
                "replacing a key",
                batch=1000,
                fits=fits,
                effect=True,
                fills_calls=True,
            ),
            TaskKind(RETIRE, lambda job: retire_key(job, self), "ending a session", effect=True),
            TaskKind(SPARE, lambda job: retire_key(job, self), "deleting a key", effect=True),
            TaskKind(RENEW, renew, "making a signing or validation key anew", batch=2, effect=True),
            TaskKind(RENEW_AGAIN, lambda job: do_again(job, self, RENEW), "making a key anew once more", batch=2),
        )

    def count(self, inventory: Inventory, incident: Incident) -> Facts:
        own = [key for key in inventory.keys if key.owner is None]
        subaccounts = [key for key in inventory.keys if key.owner is not None]
        return {
            "keys": len(inventory.keys),
            "user": _of(own, KeyKind.USER),
            "domain": _of(own, KeyKind.DOMAIN),
            "web": _of(inventory.keys, KeyKind.WEB),
            "marked": sum(mark_of(key) is not None for key in inventory.keys),
            "sub_user": _of(subaccounts, KeyKind.USER),
            "sub_domain": _of(subaccounts, KeyKind.DOMAIN),
            "subaccounts": len({key.owner.id for key in subaccounts if key.owner and key.kind is not KeyKind.WEB}),
        }

    def explain(self, view: StepView) -> list[Line]:
        facts, out = view.state.facts, left_out(view.state)
        scope = scope_of(view.state)
        lines: list[Line] = []
        if scope is not None:
            lines.append(line(f"Another round: {count(len(scope), 'key')} appeared since, or is still there."))
        elif "keys" in facts:
            lines.append(line(_touched(facts, out)))
            if number(facts, "marked"):
                many = count(number(facts, "marked"), "key carries", "keys carry")
                lines.append(line(f"{many} the mark of an earlier recovery or of another bot; replaced all the same."))
        else:
            lines.append(line("Touches every API key of the account: each is replaced and deleted at once."))
        if ACCOUNT_KEYS not in out:
            lines.append(line("First the bot makes a key of its own and works with it from then on."))
        breaks = ["Breaks: every application that calls Mailgun's API, until it is given its new key."]
        if scope is None and {ACCOUNT_KEYS, SENDING_KEYS} <= out:
            breaks.clear()
        if signs_out(view.state):
            breaks.append(SIGNED_OUT)
        if breaks:
            lines.append(line(" ".join(breaks)))
        if SIGNING_KEY not in out:
            lines.append(
                line(
                    "The webhook signing key is dead at once: whatever verifies inbound webhooks must be given the new "
                    "one, and refuses them until then."
                )
            )
        lines.append(recipient_line(view.incident))
        return lines

    def part_says(self, state: StepState, part: str) -> str:
        title, facts = PARTS[part], state.facts
        if "keys" not in facts or part in (SIGNING_KEY, PUBLIC_KEY):
            return f"{title} (inbound webhooks must be given the new one)" if part == SIGNING_KEY else title
        return f"{title}: {_counted(facts)[part]:,}"

    def rows(self, view: StepView) -> list[Row]:
        return room_rows(view, self.about(view.state))

    def progress(self, view: StepView) -> str:
        total = view.tasks(REPLACE) - view.tasks(REPLACE, TaskStatus.DROPPED)
        sessions = view.tasks(RETIRE, TaskStatus.DONE)
        renewed = view.tasks(RENEW) - view.tasks(RENEW, TaskStatus.DROPPED)
        if not total and not view.tasks(RETIRE) and not renewed:
            return ""
        text = f"{view.tasks(REPLACE, TaskStatus.DONE):,} of {count(total, 'key')} replaced"
        text += f", {count(sessions, 'session')} ended" if sessions else ""
        if renewed:
            text += f", {view.tasks(RENEW, TaskStatus.DONE):,} of {count(renewed, 'account-wide key')} made anew"
        return text

    def next_tasks(self, tx: Transaction, incident: Incident, state: StepState) -> list[NewTask]:
        return renewals_due(tx, incident, state)

    def on_done(self, tx: Transaction, incident: Incident, state: StepState) -> None:
        if ACCOUNT_KEYS not in approved_parts(tx, state):
            # Old account keys live, as was decided: each of them can undo what is set.
            return
        gone_by_hand = state.facts.get("only_key_gone_at")
        when = last_old_key_died(tx, state) or state.decided_at or incident.opened_at
        if isinstance(gone_by_hand, str):
            when = max(when, datetime.fromisoformat(gone_by_hand))
        tx.incidents.set(incident.id, keys_expired_at=when)

    def leftover(self, tx: Transaction, incident: Incident, state: StepState, inventory: Inventory) -> list[str]:
        by_hand = hand_done(tx, state)
        ran = by_hand or tx.tasks.of_step(state.id, TaskStatus.DONE, kind=REPLACE)
        if state.status is StepStatus.SKIPPED and not ran:
            # It never ran: leaving everything as it was is what was decided.
            return []
        ours, own = handed_ids(tx, state), own_key_id(tx, state)
        left = left_by_decision(state)
        # What was skipped while it was done by hand is left part by part.
        parts = set(PARTS) - left_out(state) - left
        return [
            key.id
            for key in inventory.keys
            if key.kind is not KeyKind.WEB
            and PART_OF[key.kind] in parts
            and key.id != own
            and key.id not in ours
            and key.id not in left
            and not made_by_hand(key, state, by_hand)
        ]

    def hand_instructions(self) -> list[Line]:
        return instructions()

    def hand_items(self, tx: Transaction, incident: Incident, state: StepState) -> list[HandItem]:
        return [ITEMS[part] for part in chosen_parts(self, state)]

    def make_anew(
        self, tx: Transaction, incident: Incident, state: StepState, subject: str, thing: Facts, owner: Owner
    ) -> Line | None:
        kept = tx.vault.newest()
        if kept is None or kept.incident_id != incident.id:
            return line(
                f"Approve {self.label} first: with a key of its own, the bot can make another in that one's place. "
                "Nothing was changed."
            )
        state = run_again(tx, state, [subject])
        tx.tasks.add([made_anew_task(state, subject, thing, owner)])
        return None

    def subject_matches(self, subject: str, target: str) -> bool:
        return identity_of(subject).lower() == target.lower()

    def confirmation(self, state: StepState) -> Confirm:
        scope, out, counted = scope_of(state), left_out(state), _counted(state.facts)
        chosen = [part for part in (ACCOUNT_KEYS, SENDING_KEYS) if part not in out]
        keys = len(scope) if scope is not None else sum(counted[part] for part in chosen)
        is_counted = scope is not None or "keys" in state.facts
        says = []
        if chosen or scope is not None:
            replaced = count(keys, "key") if is_counted else "Every key"
            says.append(f"{replaced} will be replaced and deleted. What uses them stops until it has its new key.")
        if signs_out(state):
            says.append(SIGNED_OUT)
        if SIGNING_KEY not in out:
            says.append("The webhook signing key is dead at once.")
        text = " ".join(says) or "The public validation key is made anew."
        return Confirm(title="Reset API keys?", text=text, yes="Reset them")


def signs_out(state: StepState) -> bool:
    """Whether sessions of the control panel are ended: not in another round, which is about keys that it names."""
    return scope_of(state) is None and SESSIONS not in left_out(state)


def _of(keys: Sequence[ApiKey], kind: KeyKind) -> int:
    return sum(key.kind is kind for key in keys)


def _counted(facts: Facts) -> dict[str, int]:
    """How many keys each part of the step is about, those of subaccounts among them."""
    return {
        ACCOUNT_KEYS: number(facts, "user") + number(facts, "sub_user"),
        SENDING_KEYS: number(facts, "domain") + number(facts, "sub_domain"),
        SESSIONS: number(facts, "web"),
    }


def _touched(facts: Facts, out: Set[str]) -> str:
    """What it touches, as far as it is not left out; subaccounts' keys apart."""
    kinds = [(ACCOUNT_KEYS, "user", "account key"), (SENDING_KEYS, "domain", "domain sending key")]
    chosen = [(name, words) for part, name, words in kinds if part not in out]
    own = " and ".join(count(number(facts, name), words) for name, words in chosen)
    theirs = " and ".join(count(number(facts, f"sub_{name}"), words.removeprefix("domain ")) for name, words in chosen)
    whose = count(number(facts, "subaccounts"), "subaccount")
    said = []
    if chosen:
        also = f", and {theirs} of {whose}" if number(facts, "subaccounts") else ""
        each = "each gets one replacement of the same role, and is deleted at once."
        said.append(f"Touches {own} of the whole account{also}: {each}")
    if SESSIONS not in out:
        said.append(f"Ends {count(number(facts, 'web'), 'control panel session')}.")
    return " ".join(said) or "Touches no key."

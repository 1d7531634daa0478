"""Who may start, decide and receive: decided here, from facts at most ten seconds old, and nowhere else."""

from enum import Enum

from recovery.errors import OutsideError
from recovery.policy import Policy
from recovery.ports import Directory, Member


class Right(Enum):
    """What a right allows."""

    START = "start an incident"
    DECIDE = "decide"


class Access:
    """Answers who may do what. Each method raises `OutsideError` when Slack cannot be asked: then nobody may."""

    def __init__(self, directory: Directory, policy: Policy) -> None:
        self._directory = directory
        self._policy = policy

    def refusal(self, user_id: str, right: Right) -> str | None:
        """Why this user does not have the right, as a sentence to them; None when they have it."""
        unfit = self.unfit(user_id)
        if unfit:
            return unfit
        names = self._policy.approvers
        if right is Right.START and self._policy.starters:
            names = self._policy.starters
        if names:
            allowed = user_id in names or any(
                user_id in self._directory.group(name) for name in names if name[0] == "S"
            )
        else:
            member = self._directory.member(user_id)
            allowed = member is not None and member.is_admin
        return None if allowed else f"You are not among those who may {right.value} here."

    def unfit(self, user_id: str) -> str | None:
        """Why this user may neither decide nor be handed anything: not active, a guest, another workspace."""
        member = self._directory.member(user_id)
        if member is None or not member.is_active:
            return "Slack does not show you as an active member of this workspace."
        if member.is_bot:
            return "A bot cannot do this."
        if member.team_id != self._directory.home_team():
            return "You belong to another workspace. Ask a member of this one."
        if not member.is_full:
            return "A guest cannot do this. Ask a full member of this workspace."
        return None

    def recipient_refusal(self, user_id: str) -> str | None:
        """Why secrets may not be sent to this user right now; None when they may."""
        unfit = self.unfit(user_id)
        return None if unfit is None else f"The secrets could not be handed to the requester: {unfit}"


def reachable(member: Member | None) -> bool:
    """Whether the bot may write to this Slack user about their own Mailgun access."""
    return member is not None and member.is_active and not member.is_bot


__all__ = ["Access", "OutsideError", "Right", "reachable"]

"""Who may start, decide and receive: decided here, from facts at most ten seconds old, and nowhere else."""

from enum import Enum

from recovery.policy import Policy
from recovery.ports import Directory, Member


class Right(Enum):
    """What a right allows."""

    START = "start an incident"
    DECIDE = "decide"


class Unfit(Enum):
    """Why somebody may neither decide nor be handed anything: as said to them, and as said of them."""

    INACTIVE = ("Slack does not show you as an active member of this workspace.", "they are not an active member")
    BOT = ("A bot cannot do this.", "they are a bot")
    FOREIGN = ("You belong to another workspace. Ask a member of this one.", "they belong to another workspace")
    GUEST = ("A guest cannot do this. Ask a full member of this workspace.", "they are a guest")

    def __init__(self, to_them: str, of_them: str) -> None:
        self.to_them = to_them
        self.of_them = of_them


class Access:
    """Answers who may do what. Each method raises `OutsideError` when Slack cannot be asked: then nobody may."""

    def __init__(self, directory: Directory, policy: Policy) -> None:
        self._directory = directory
        self._policy = policy

    def refusal(self, user_id: str, right: Right) -> str | None:
        """Why this user does not have the right, as a sentence to them; None when they have it."""
        unfit = self._unfit(user_id)
        if unfit:
            return unfit.to_them
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

    def recipient_refusal(self, user_id: str) -> str | None:
        """Why secrets may not be sent to this user right now, as said to others; None when they may."""
        unfit = self._unfit(user_id)
        if unfit is None:
            return None
        return (
            f"Secrets may not be handed to {user_id}: {unfit.of_them}. An approver can take that over with "
            "“/mailgun-compromised take-over <reason>”, and then type “/mailgun-compromised reissue all”."
        )

    def _unfit(self, user_id: str) -> Unfit | None:
        member = self._directory.member(user_id)
        if member is None or not member.is_active:
            return Unfit.INACTIVE
        if member.is_bot:
            return Unfit.BOT
        if member.team_id != self._directory.home_team():
            return Unfit.FOREIGN
        return None if member.is_full else Unfit.GUEST


def reachable(member: Member | None) -> bool:
    """Whether the bot may write to this Slack user about their own Mailgun access."""
    return member is not None and member.is_active and not member.is_bot

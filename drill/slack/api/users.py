"""`users.*` and `usergroups.*`: who people are."""

from drill.slack.api.call import Call, Method, Tier
from drill.slack.errors import SlackError
from drill.slack.model import JsonObject, User, UserGroup


def info(call: Call) -> JsonObject:
    """`users.info`."""
    return {"user": _shown(call, call.user("user"))}


def lookup_by_email(call: Call) -> JsonObject:
    """`users.lookupByEmail`; `users_not_found` also for deactivated people and those of other teams."""
    user = call.workspace.user_by_email(call.text("email"))
    if user is None:
        raise SlackError("users_not_found")
    return {"user": _shown(call, user)}


def list_users(call: Call) -> JsonObject:
    """`users.list`: everybody, deactivated people, bots and strangers included, in pages."""
    users, cursor = call.page(list(call.workspace.users.values()), default=100, at_most=1000)
    return {
        "members": [_shown(call, user) for user in users],
        "cache_ts": int(call.workspace.clock()),
        "response_metadata": {"next_cursor": cursor},
    }


def list_usergroups(call: Call) -> JsonObject:
    """`usergroups.list`."""
    with_disabled, with_users = call.flag("include_disabled"), call.flag("include_users")
    groups = [group for group in call.workspace.usergroups.values() if with_disabled or not group.disabled]
    return {"usergroups": [_group(call, group, with_users=with_users) for group in groups]}


def list_usergroup_users(call: Call) -> JsonObject:
    """`usergroups.users.list`; `no_such_subteam` for a group that is not there, or is disabled."""
    group = call.workspace.usergroups.get(call.text("usergroup"))
    if group is None or (group.disabled and not call.flag("include_disabled")):
        raise SlackError("no_such_subteam")
    return {"users": list(group.users)}


def _shown(call: Call, user: User) -> JsonObject:
    return user.as_slack(with_email="users:read.email" in call.workspace.app.scopes)


def _group(call: Call, group: UserGroup, *, with_users: bool) -> JsonObject:
    shown: JsonObject = {
        "id": group.id,
        "team_id": call.workspace.team_id,
        "is_usergroup": True,
        "name": group.name,
        "handle": group.handle,
        "date_delete": 1 if group.disabled else 0,
        "user_count": len(group.users),
    }
    return shown | ({"users": list(group.users)} if with_users else {})


METHODS = (
    Method("users.info", info, "users:read", tier=Tier.FOUR),
    Method("users.lookupByEmail", lookup_by_email, "users:read.email", tier=Tier.THREE),
    Method("users.list", list_users, "users:read", tier=Tier.TWO),
    Method("usergroups.list", list_usergroups, "usergroups:read", tier=Tier.TWO),
    Method("usergroups.users.list", list_usergroup_users, "usergroups:read", tier=Tier.TWO),
)

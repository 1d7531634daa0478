"""The practice Slack: a workspace in memory that speaks Slack's Web API and Socket Mode, and has a page."""

from drill.slack.server import create_app
from drill.slack.workspace import Workspace
from drill.slack.workspaces import drill_workspace

__all__ = ["Workspace", "create_app", "drill_workspace"]

"""Everything that one practice Slack holds, for its methods, orders and page to work on."""

from dataclasses import dataclass, field

from drill.slack.delivery import Delivery
from drill.slack.files import Files
from drill.slack.log import Log
from drill.slack.rates import RateLimiter
from drill.slack.requesturl import RequestUrl
from drill.slack.socketmode import SocketMode
from drill.slack.tickets import ResponseUrls, Triggers
from drill.slack.views import Views
from drill.slack.workspace import Workspace


@dataclass
class PracticeSlack:
    """One practice Slack: its workspace, and what goes to and fro between the workspace and the app."""

    workspace: Workspace
    views: Views = field(default_factory=Views)
    files: Files = field(default_factory=Files)
    log: Log = field(init=False)
    limiter: RateLimiter = field(init=False)
    triggers: Triggers = field(init=False)
    response_urls: ResponseUrls = field(init=False)
    sockets: SocketMode = field(init=False)
    request_url: RequestUrl = field(init=False)

    def __post_init__(self) -> None:
        clock = self.workspace.clock
        self.log = Log(clock)
        self.limiter = RateLimiter(clock)
        self.triggers = Triggers(clock, self.workspace.trigger_seconds)
        self.response_urls = ResponseUrls(clock)
        self.sockets = SocketMode(self.workspace, self.log)
        self.request_url = RequestUrl(self.workspace, self.log)

    @property
    def delivery(self) -> Delivery:
        """What carries events to the app: HTTP if it has a request URL, otherwise Socket Mode."""
        return self.sockets if self.workspace.request_url is None else self.request_url

"""The tables, inside one transaction."""

from datetime import datetime

from sqlalchemy import Connection

from recovery import store
from storage.audit import AuditTrail
from storage.buckets import BucketTable
from storage.findings import Findings
from storage.glance import glance
from storage.handovers import Handovers
from storage.incidents import Incidents
from storage.people import People
from storage.processes import Processes
from storage.requests import Requests
from storage.steps import Steps
from storage.tasks import Tasks
from storage.vault_keys import VaultKeys


class Transaction(store.Transaction):
    """What `Database.write` and `Database.read` give."""

    def __init__(self, connection: Connection, processes: Processes) -> None:
        self._connection = connection
        self.incidents = Incidents(connection)
        self.steps = Steps(connection)
        self.requests = Requests(connection)
        self.tasks = Tasks(connection, processes)
        self.handovers = Handovers(connection)
        self.people = People(connection)
        self.findings = Findings(connection)
        self.audit = AuditTrail(connection)
        self.vault = VaultKeys(connection)
        self.buckets = BucketTable(connection)

    def glance(self, now: datetime, review: str) -> list[store.Glance]:
        return glance(self._connection, now, review)

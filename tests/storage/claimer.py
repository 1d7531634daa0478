"""A process that claims one task for an hour and then hangs, for tests that kill it.

`python -m tests.storage.claimer URL` prints the task's id once it holds it, or why it could not start.
"""

import sys
import time
from datetime import timedelta

from storage.database import Database
from storage.errors import AnotherProcess
from tests.storage.given import claim


def main(url: str) -> None:
    database = Database.open(url)
    try:
        database.hold()
    except AnotherProcess as error:
        sys.exit(str(error))
    sys.stdout.write(f"{claim(database, lease=timedelta(hours=1))[0].id}\n")
    sys.stdout.flush()
    time.sleep(600)


if __name__ == "__main__":
    main(sys.argv[1])

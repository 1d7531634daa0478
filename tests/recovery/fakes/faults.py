"""What is ordered to go wrong in a fake."""

from dataclasses import dataclass
from threading import RLock


@dataclass
class Fault:
    """The error of the next `times` calls named `call` about something containing `about`.

    `after` means that the call has its effect all the same.
    """

    call: str
    error: Exception
    about: str = ""
    after: bool = False
    times: int = 1


class Faults:
    """What was ordered to go wrong."""

    def __init__(self) -> None:
        self._ordered: list[Fault] = []
        self._lock = RLock()

    def order(self, call: str, error: Exception, about: str = "", *, after: bool = False, times: int = 1) -> None:
        self._ordered.append(Fault(call, error, about, after, times))

    def clear(self) -> None:
        self._ordered.clear()

    def take(self, call: str, about: str) -> Fault | None:
        with self._lock:
            for fault in self._ordered:
                if fault.call == call and fault.about in about and fault.times > 0:
                    fault.times -= 1
                    return fault
            return None

"""The uploads that wait for the ingest: one of each commune in turn, the oldest of a commune first."""

import threading
from collections import deque


class IngestQueue:
    """Safe from any thread. A commune with many uploads delays another's by one of them at most."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: By commune; the one whose turn it is stands first.
        self._waiting: dict[str, deque[str]] = {}

    def put(self, commune_id: str, job_id: str) -> None:
        with self._lock:
            self._waiting.setdefault(commune_id, deque()).append(job_id)

    def take(self) -> str | None:
        """The next upload; None when none waits."""
        with self._lock:
            commune_id = next(iter(self._waiting), None)
            if commune_id is None:
                return None
            jobs = self._waiting.pop(commune_id)
            job_id = jobs.popleft()
            if jobs:
                self._waiting[commune_id] = jobs  # now the last
            return job_id

"""Recorders of the package `eventsourcing` on Strata's HTTP API.

An aggregate is a stream of its own, and all events of an application are in one more stream, whose positions are the
notification ids. Both are written by one request, which is done as a whole or not at all, as is what is tracked.
"""

from __future__ import annotations

import base64
import http.client
import json
import threading
import urllib.parse
import uuid

from eventsourcing.persistence import (
    IntegrityError, Notification, OperationalError, ProcessRecorder, StoredEvent, Subscription, Tracking,
)


class Client:
    """One connection for each thread."""

    def __init__(self, address: str, key: str) -> None:
        self.host = urllib.parse.urlsplit(address).netloc
        self.headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self.local = threading.local()

    def ask(self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None):
        connection = getattr(self.local, "connection", None)
        if connection is None:
            connection = self.local.connection = http.client.HTTPConnection(self.host, timeout=60)
        text = None if body is None else json.dumps(body)
        try:
            connection.request(method, path, text, self.headers | (headers or {}))
            answer = connection.getresponse()
            data = answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            self.local.connection = None
            raise OperationalError(str(error)) from error
        return answer.status, json.loads(data) if data else {}


class StrataRecorder(ProcessRecorder):
    def __init__(self, address: str, key: str, application: str | None = None) -> None:
        super().__init__()
        self.client = Client(address, key)
        self.application = application or uuid.uuid4().hex
        self.known: set[str] = set()
        self.all = self._stream("all")

    # Streams

    def _name(self, what: object) -> str:
        return f"{self.application} {what}"

    def _path(self, name: str, rest: str = "") -> str:
        return "/v1/streams/" + urllib.parse.quote(name, safe="") + rest

    def _stream(self, what: object) -> str:
        """The stream is there from now on."""
        name = self._name(what)
        if name not in self.known:
            status, answer = self.client.ask("POST", "/v1/streams", {"name": name})
            if status not in (201, 409):
                raise OperationalError(f"{status}: {answer}")
            self.known.add(name)
        return name

    def _read(self, name: str, after: int = 0, limit: int = 10_000, up_to: int | None = None, wait: int = 0):
        query = {"after": after, "limit": limit, "wait_ms": wait} | ({} if up_to is None else {"up_to": up_to})
        status, answer = self.client.ask("GET", self._path(name, "/events?" + urllib.parse.urlencode(query)))
        if status == 404:
            return [], 0
        if status != 200:
            raise OperationalError(f"{status}: {answer}")
        return answer["events"], answer["last_position"]

    def _last(self, name: str):
        """The stream's length, and its last event."""
        status, answer = self.client.ask("GET", self._path(name))
        length = answer["last_position"] if status == 200 else 0
        return length, (self._read(name, length - 1, 1)[0] or [None])[0] if length else None

    # Writing

    def insert_events(self, stored_events, *, tracking: Tracking | None = None, **kwargs):
        parts = [self._aggregate(list(events)) for events in self._by_originator(stored_events).values()]
        if stored_events:
            parts.append({"stream": self.all, "events": [self._event(event) for event in stored_events]})
        if tracking is not None:
            parts.append(self._tracked(tracking))
        if not parts:
            return []
        status, answer = self.client.ask("POST", "/v1/append", {"parts": parts}, {"Idempotency-Key": uuid.uuid4().hex})
        if status == 409:
            raise IntegrityError(answer["detail"])
        if status != 201:
            raise OperationalError(f"{status}: {answer}")
        if not stored_events:
            return []
        # Parts are answered in their order.
        place = answer["parts"][len(parts) - (2 if tracking is not None else 1)]
        return list(range(place["first_position"], place["last_position"] + 1))

    @staticmethod
    def _by_originator(stored_events):
        found: dict[object, list[StoredEvent]] = {}
        for event in stored_events:
            found.setdefault(event.originator_id, []).append(event)
        return found

    def _aggregate(self, events: list[StoredEvent]):
        name = self._stream(events[0].originator_id)
        length, last = self._last(name)
        expected = last["metadata"]["version"] + 1 if last else events[0].originator_version
        for number, event in enumerate(events):
            if event.originator_version != expected + number:
                raise IntegrityError(f"version {event.originator_version} of {event.originator_id} is not the next one")
        # Whoever appends between the look and this is found by the store.
        return {"stream": name, "expected_version": length, "events": [self._event(event) for event in events]}

    @staticmethod
    def _event(event: StoredEvent):
        metadata = {
            "originator": str(event.originator_id), "uuid": isinstance(event.originator_id, uuid.UUID),
            "version": event.originator_version,
        }
        state = base64.b64encode(event.state).decode()
        return {"type": event.topic, "key": str(event.originator_id), "payload": state, "metadata": metadata}

    # Reading

    @staticmethod
    def _stored(event, **more):
        metadata = event["metadata"]
        originator = metadata["originator"]
        kind = Notification if more else StoredEvent
        return kind(
            originator_id=uuid.UUID(originator) if metadata["uuid"] else originator,
            originator_version=metadata["version"], topic=event["type"], state=base64.b64decode(event["payload"]),
            **more)

    def select_events(self, originator_id, *, gt=None, lte=None, desc=False, limit=None):
        found, after = [], 0
        while True:
            events, end = self._read(self._name(originator_id), after)
            found += [self._stored(event) for event in events]
            if not events or events[-1]["position"] >= end:
                break
            after = events[-1]["position"]
        found = [
            event for event in found
            if (gt is None or event.originator_version > gt) and (lte is None or event.originator_version <= lte)
        ]
        if desc:
            found.reverse()
        return found if limit is None else found[:limit]

    def select_notifications(self, start, limit, stop=None, topics=(), *, inclusive_of_start=True):
        after = 0 if start is None else max(0, start - 1 if inclusive_of_start else start)
        found: list[Notification] = []
        while len(found) < limit:
            events, end = self._read(self.all, after, 10_000 if topics else min(limit, 10_000), stop)
            found += [self._stored(event, id=event["position"]) for event in events if not topics or event["type"] in topics]
            if not events or events[-1]["position"] >= (end if stop is None else min(stop, end)):
                break
            after = events[-1]["position"]
        return found[:limit]

    def max_notification_id(self):
        return self._last(self.all)[0] or None

    def subscribe(self, gt=None, topics=()):
        return StrataSubscription(self, gt, topics)

    # Tracking

    def _tracked(self, tracking: Tracking):
        name = self._stream(f"tracking {tracking.application_name}")
        length, last = self._last(name)
        if last and last["payload"] >= tracking.notification_id:
            raise IntegrityError(f"{tracking.application_name} is at {last['payload']} already")
        event = {"type": "tracked", "payload": tracking.notification_id}
        return {"stream": name, "expected_version": length, "events": [event]}

    def insert_tracking(self, tracking: Tracking) -> None:
        self.insert_events([], tracking=tracking)

    def max_tracking_id(self, application_name: str):
        last = self._last(self._name(f"tracking {application_name}"))[1]
        return last["payload"] if last else None


class StrataSubscription(Subscription[StrataRecorder]):
    """Waits at the server for what comes."""

    def __init__(self, recorder, gt=None, topics=()):
        super().__init__(recorder=recorder, gt=gt, topics=topics)
        self._waiting: list[Notification] = []

    def __next__(self) -> Notification:
        while not self._has_been_stopped:
            if self._waiting:
                return self._waiting.pop(0)
            events, _ = self._recorder._read(self._recorder.all, self._last_notification_id or 0, 100, wait=1_000)
            for event in events:
                self._last_notification_id = event["position"]
                if not self._topics or event["type"] in self._topics:
                    self._waiting.append(self._recorder._stored(event, id=event["position"]))
        raise StopIteration

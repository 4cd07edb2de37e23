"""The package's own tests, of each kind of recorder."""

import os

from eventsourcing.tests import persistence

from strata_recorder import StrataRecorder


def recorder() -> StrataRecorder:
    return StrataRecorder(os.environ["STRATA_ADDRESS"], os.environ["STRATA_KEY"])


class AggregateOnly(StrataRecorder):
    """An aggregate recorder has no notification ids to give."""

    def insert_events(self, stored_events, **kwargs):
        super().insert_events(stored_events, **kwargs)


class AggregateRecorderTests(persistence.AggregateRecorderTestCase):
    def create_recorder(self):
        return AggregateOnly(os.environ["STRATA_ADDRESS"], os.environ["STRATA_KEY"])


class ApplicationRecorderTests(persistence.ApplicationRecorderTestCase):
    def create_recorder(self):
        return recorder()

    def test_insert_subscribe(self):
        self.optional_test_insert_subscribe()


class TrackingRecorderTests(persistence.TrackingRecorderTestCase):
    def create_recorder(self):
        return recorder()


class ProcessRecorderTests(persistence.ProcessRecorderTestCase):
    def create_recorder(self):
        return recorder()


class NonInterleavingTests(persistence.NonInterleavingNotificationIDsBaseCase):
    def create_recorder(self):
        return recorder()


del persistence

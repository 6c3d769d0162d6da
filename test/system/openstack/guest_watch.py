# SPDX-License-Identifier: Apache-2.0
"""Watches the guests of all hosts for a split brain: one guest that runs on two hosts at once.

Two witnesses: this thread, every 50 ms, and the virt driver itself at the birth of a guest, so
that an overlap shorter than the interval is seen too. A sighting is kept with time and hosts.
"""
import json
import os
import threading
import time

INTERVAL_S = 0.05


class SplitBrain(AssertionError):
    pass


class GuestWatch:
    def __init__(self, layout):
        self.layout = layout
        self.sightings = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._known = set()
        self._skip_lines = self._driver_lines()

    def start(self):
        self._thread.start()
        return self

    def stop(self):
        self._stop.set()
        self._thread.join()

    def guests(self):
        """{guest: set of hosts it runs on}"""
        found = {}
        for host in self.layout.hosts:
            for guest in os.listdir(self.layout.guests(host)):
                found.setdefault(guest, set()).add(host)
        return found

    def hosts_of(self, guest):
        return self.guests().get(guest, set())

    def _is_double(self, guest, hosts):
        """Folders are read one after the other, so a guest may move between two readings: the
        first host's file must be there still after the last one's was seen."""
        paths = [os.path.join(self.layout.guests(host), guest) for host in hosts]
        return all(os.path.exists(path) for path in paths + paths[:1])

    def look(self):
        for guest, hosts in self.guests().items():
            ordered = sorted(hosts)
            key = (guest, tuple(ordered))
            if len(ordered) > 1 and key not in self._known and self._is_double(guest, ordered):
                self._known.add(key)
                self.sightings.append({'at': time.time(), 'guest': guest, 'hosts': ordered,
                                       'by': 'watch'})

    def _driver_lines(self):
        try:
            with open(self.layout.path('split-brain.jsonl'), encoding='utf-8') as stream:
                return len(stream.readlines())
        except FileNotFoundError:
            return 0

    def _driver_sightings(self):
        try:
            with open(self.layout.path('split-brain.jsonl'), encoding='utf-8') as stream:
                lines = stream.readlines()[self._skip_lines:]
        except FileNotFoundError:
            return []
        return [dict(json.loads(line), by='driver') for line in lines]

    def all_sightings(self):
        self.look()
        return self.sightings + self._driver_sightings()

    def assert_no_split_brain(self):
        found = self.all_sightings()
        if found:
            raise SplitBrain('guest on two hosts at once: %s' % json.dumps(found))

    def forget(self):
        """Start anew: what a case provoked on purpose is not held against the next one."""
        self.sightings = []
        self._known = set()
        self._skip_lines = self._driver_lines()

    def _loop(self):
        while not self._stop.wait(INTERVAL_S):
            try:
                self.look()
            except FileNotFoundError:
                pass

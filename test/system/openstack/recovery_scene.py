# SPDX-License-Identifier: Apache-2.0
"""One host's death with a daemon on guard: what stood before, and what has to be true after it.

Judged by Nova's own answers, by what the BMCs were told and by what the proxy before Nova saw.
Looking for a split brain is left to the runner, which does it throughout.
"""
import re

from case_marks import equal, true
from osha_daemon import Osha
from rig_process import wait_until

ROW_RECOVERED = 10  # of the host's workflow, as the journal stores it


class Scene:
    """Servers on hosts, a daemon that watches, a host that dies."""

    def __init__(self, world, host='c1', **config):
        self.world = world
        self.cloud = world.cloud
        self.host = host
        self.machine = world.machines[host]
        self.osha = Osha(world, **config)
        self.before = {}

    # -- before ------------------------------------------------------------------------------
    def boot(self, **counts):
        """Servers of alice and bob in turn: boot(c1=3, c10=1). Returns those of the host by name."""
        asked = []
        for number, (host, count) in enumerate(sorted(counts.items())):
            for person, share in (('alice', (count + 1) // 2), ('bob', count // 2)):
                if share:
                    asked += self.world.people[person].boot(
                        '%s-%s%d' % (person, host, number), host, share, wait=False)
        for server in asked:
            self.cloud.wait_server(server['id'], 'ACTIVE', 120)
        return self.note()

    def note(self):
        """What stands now is what has to stand after the recovery."""
        self.before = {s['id']: s for s in self.cloud.servers()}
        return self.ids()

    def ids(self, host=None):
        """Ids of the servers that were on this host, the dying one by default."""
        host = host or self.host
        return sorted(i for i, s in self.before.items() if s['OS-EXT-SRV-ATTR:host'] == host)

    def id_of(self, name):
        return next(i for i, s in self.before.items() if s['name'] == name)

    def watch(self, unread=()):
        """Start the daemon and let it know its devices."""
        self.osha.start_watching(unread)
        return self

    # -- meanwhile ---------------------------------------------------------------------------
    def wait_row(self, row, host=None, timeout_s=120, step_s=0.05):
        """Until the host's recovery has entered this row; the log line's reason."""
        return self.osha.wait_log(r': %s \S+ -> %s: (.*)' % (re.escape(host or self.host), row),
                                  timeout_s, step_s).group(1)

    def wait_recovered(self, timeout_s=90):
        """Until the journal says so: a log line may come a moment before its record is durable."""
        def is_recovered():
            rows = self.osha.journal("select row from history where key = ? order by seq desc"
                                     " limit 1", ('recovery/' + self.recovery(),))
            return rows == [(ROW_RECOVERED,)]
        wait_until(is_recovered, timeout_s, self.recovery() + ' recovered', 0.1)

    def has_row(self, row, host=None):
        return bool(re.search(r': %s \S+ -> %s: ' % (re.escape(host or self.host), row),
                              self.osha.log()))

    def recovery(self):
        """The id of the host's last recovery."""
        return re.findall(r'(\S+-\d+-\d+): %s \S+ -> ' % re.escape(self.host), self.osha.log())[-1]

    def offs(self, host=None):
        """Times at which the BMC of the host was told to switch off."""
        return [c[0] for c in self.world.power_calls(host or self.host) if c[1:] == ('power', '0')]

    def wait_offs(self, count, timeout_s=60):
        wait_until(lambda: len(self.offs()) >= count, timeout_s,
                   '%d power-offs of %s' % (count, self.host), 0.05)

    def calls(self):
        """{server: accepted evacuate calls}"""
        found = {}
        for _, uuid, status in self.world.proxy.evacuate_calls():
            if status == 200:
                found[uuid] = found.get(uuid, 0) + 1
        return found

    def changes(self):
        """Requests that changed anything in Nova."""
        return [(e['method'], e['path'], e['body']) for e in self.world.proxy.log()
                if e['method'] not in ('GET', 'HEAD')]

    def verdicts(self):
        """{host: verdict} as `osha hosts` says."""
        return {h['name']: h['verdict'] for h in self.osha.ask('hosts')['hosts']}

    # -- after -------------------------------------------------------------------------------
    def assert_evacuated(self, except_for=(), again=()):
        """Each server of the dead host runs (or rests) elsewhere as it was, by one call and one
        migration; those in `again` may have needed several of both."""
        after = {s['id']: s for s in self.cloud.servers()}
        calls = self.calls()
        done = [m['instance_uuid'] for m in self.cloud.migrations(source_compute=self.host)
                if m['status'] in ('done', 'completed')]
        for uuid in self.ids():
            if uuid in except_for:
                continue
            was, now = self.before[uuid], after[uuid]
            name = was['name']
            equal(now['status'], was['status'], 'status of ' + name)
            true(now['OS-EXT-SRV-ATTR:host'] != self.host, name + ' is still there')
            equal(now['OS-EXT-STS:task_state'], None, 'task of ' + name)
            runs_on = {now['OS-EXT-SRV-ATTR:host']} if was['status'] == 'ACTIVE' else set()
            equal(self.world.guest_hosts(uuid), runs_on, 'guest of ' + name)
            if uuid not in again:
                equal(calls.get(uuid), 1, 'evacuate calls of ' + name)
                equal(done.count(uuid), 1, 'evacuations of ' + name)
        self.assert_others_untouched()
        self.assert_no_call_in_vain(set(again) | set(except_for))

    def assert_no_call_in_vain(self, again=()):
        """One call for each server; of those in `again` a further one only where Nova has ended
        the evacuation before, so that each has a record of its own."""
        self.world.assert_single_evacuate_calls(again)
        versions = {e['microversion'] for e in self.world.proxy.log('POST', '/action', '"evacuate"')}
        # from 2.95 on an evacuated server stays stopped
        true(versions <= {'compute 2.90'}, 'microversions of evacuate: %s' % versions)
        calls = self.calls()
        for uuid in set(again) & set(calls):
            records = self.cloud.migrations(instance_uuid=uuid)
            equal(len(records), calls[uuid], 'records of the calls of ' + self.before[uuid]['name'])

    def assert_others_untouched(self, gone=()):
        """Servers of other hosts: same host, same state, no evacuation, no call."""
        moved = {m['instance_uuid'] for m in self.cloud.migrations()}
        after = {s['id']: s for s in self.cloud.servers()}
        for uuid, was in self.before.items():
            home = was['OS-EXT-SRV-ATTR:host']
            if home == self.host or home in gone:
                continue
            equal((after[uuid]['OS-EXT-SRV-ATTR:host'], after[uuid]['status']),
                  (home, was['status']), 'bystander ' + was['name'])
            true(uuid not in moved and uuid not in self.calls(), was['name'] + ' was moved')

    def assert_listed_by_name(self, uuids):
        """The daemon names each of these with a reason."""
        for uuid in uuids:
            true(re.search(r' instance %s (refused|held): \S' % uuid, self.osha.log()),
                 'no reason given for ' + self.before[uuid]['name'])

    def assert_untouched(self, *hosts):
        """Nothing was fenced, nothing was changed in Nova by the daemon."""
        for host in hosts or self.world.hosts:
            equal(self.offs(host), [], 'power-offs of ' + host)
        equal(self.changes(), [], 'changes in Nova')
        equal(self.cloud.migrations(), [], 'evacuations')

    def assert_fenced_for_good(self, offs=1):
        """Off by its BMC, forced down and disabled in Nova with the recovery's name on it."""
        equal(self.machine.has_power(), False, 'power of ' + self.host)
        if offs:
            equal(len(self.offs()), offs, 'power-offs of ' + self.host)
        service = self.cloud.service(self.host)
        equal((service['forced_down'], service['status']), (True, 'disabled'), 'service')
        true(self.recovery() in service['disabled_reason'], service['disabled_reason'])
        puts = [e['body'] for e in self.world.proxy.log('PUT', '/os-services/')]
        # the other way round Nova waits a minute for the dead nova-compute
        true('forced_down' in puts[0], 'forced down first, then disabled')

    def take_back(self, timeout_s=90):
        """Power on; the daemon lets it take part again and nobody cuts its power again."""
        offs = len(self.offs())
        self.machine.power_on()
        self.wait_row('re-enabled', timeout_s=timeout_s)
        self.assert_taken_back(offs)

    def wait_back(self, timeout_s=90):
        """Until Nova has the host as it was, whoever said so."""
        def is_back():
            service = self.cloud.service(self.host)
            return not service['forced_down'] and service['status'] == 'enabled'
        wait_until(is_back, timeout_s, self.host + ' enabled', 0.2)

    def assert_taken_back(self, offs):
        service = self.cloud.service(self.host)
        equal((service['forced_down'], service['status'], service['disabled_reason']),
              (False, 'enabled', None), 'service that was taken back')
        equal(self.world.done_left(self.host), [], 'evacuations that were not cleaned up')
        self.cloud.wait_state(self.host, 'up')
        equal(len(self.offs()), offs, 'power-offs after it was taken back')
        true(self.machine.has_power(), 'power after it was taken back')
        for uuid, was in self.before.items():
            runs = 1 if was['status'] == 'ACTIVE' else 0
            equal(len(self.world.guest_hosts(uuid)), runs, 'guests of ' + was['name'])

    def wait_held(self, host=None, timeout_s=120):
        """Until the recovery is held; the reason."""
        return self.wait_row('held', host, timeout_s)

    def wait_again_held(self, timeout_s=120):
        """Until the hold was tried again and ended in one."""
        seen = len(re.findall(self._held(), self.osha.log()))
        wait_until(lambda: len(re.findall(self._held(), self.osha.log())) > seen, timeout_s,
                   'another try of the hold', 0.2)

    def _held(self):
        return r': %s \S+ -> held: ' % re.escape(self.host)

    def stays_so(self, is_so, what, count=6, step_s=0.5):
        """That nothing happens can only be watched for a while: `count` looks in a row."""
        for _ in range(count):
            true(is_so(), what)
            wait_once(step_s)


def wait_once(step_s):
    ends = iter((False, True))
    wait_until(lambda: next(ends), 60, 'pause', step_s)

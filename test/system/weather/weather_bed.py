# SPDX-License-Identifier: Apache-2.0
"""A bed with short times, faults between daemon and cloud, and one host after the other that dies in them."""
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'daemon'))
from daemon_bed import Bed, until  # noqa: E402

# What must be read nowhere: neither in a log nor in the journal.
SECRETS = ('sim-admin-password', 'sim-bmc-password', 'not-the-password')

SHORTER = (
    ('return-timeout: 20s', 'return-timeout: 20s, step-timeout: 4s, step-attempts: 3'),
    ('stuck-after: 20s', 'stuck-after: 10s, attempts: 20'),
    ('retry-max: 1s', 'retry-max: 300ms'),
    ('timeout: 3s, fresh: 6s', 'timeout: 1500ms, fresh: 3s'),
    ('clouds-file:', 'connect-timeout: 1s, request-timeout: 2s, clouds-file:'),
)


class Weather(Bed):
    def __init__(self, sim=None, **config):
        super().__init__(sim={'hosts': 9, 'instances': 9, **(sim or {})}, **config)

    def configure(self, append='', **changes):
        super().configure(append, **changes)
        with open(self.config, encoding='utf-8') as f:
            text = f.read()
        for long, short in SHORTER:
            assert long in text, long
            text = text.replace(long, short)
        with open(self.config, 'w', encoding='utf-8') as f:
            f.write(text)

    def watching(self):
        """A daemon that has read each fence device while its host lived."""
        self.learn()
        daemon = self.start()
        daemon.wait('watching')
        return daemon

    def fault(self, method, path, effect, body='', **more):
        self.post('fault', method=method, path=path, body=body, effect=effect, **more)

    def hits(self):
        return sum(f['hits'] for f in self.control('GET', 'faults')['faults'])

    def calm(self):
        self.control('DELETE', 'faults')

    def check_secrets(self):
        texts = [('log', self.all_logs())]
        state = self.dir + '/state'
        for name in os.listdir(state) if os.path.isdir(state) else []:
            with open(os.path.join(state, name), 'rb') as f:
                texts.append((name, f.read().decode('latin-1')))
        for name, text in texts:
            for secret in SECRETS:
                assert secret not in text, f'{secret} stands in {name}'
            assert not re.search(r'gAAAA[\w-]{20}', text), f'a token stands in {name}'


class Death:
    """One host of a bed and its way through a fault. What the daemon logged before is not looked at."""

    def __init__(self, bed, daemon, host):
        self.bed, self.daemon, self.host = bed, daemon, host
        self.mark = len(daemon.lines)
        self.was = bed.instances(host)
        self.stamped = len(bed.stamps())
        bed.control('DELETE', 'log')
        assert self.was, f'no instance on {host}'

    def log(self):
        with self.daemon.arrived:
            return '\n'.join(self.daemon.lines[self.mark:])

    def sees(self, pattern):
        return re.search(pattern, self.log())

    def wait(self, pattern, limit=30):
        return until(f'{self.host}: a line like "{pattern}"', lambda: self.sees(pattern), limit)

    def held(self):
        return self.sees(rf'{self.host} \S+ -> held: ')

    def recovered(self, limit=30):
        self.wait(rf'{self.host} verifying -> recovered', limit)

    def untouched(self):
        assert not self.sees('-> fencing'), 'fenced'
        assert self.bed.power_of(self.host) == 'off' and len(self.bed.stamps()) == self.stamped

    def check(self):
        """Every instance is elsewhere, in its state; nothing ran twice and no call was made on top of one."""
        now = {i['uuid']: i for i in self.bed.instances()}
        for i in self.was:
            assert now[i['uuid']]['host'] != self.host, f"{i['uuid']} is still on {self.host}"
            assert now[i['uuid']]['vm_state'] == i['vm_state'], now[i['uuid']]
        self.bed.check_single()

    def check_once(self):
        """Each of its instances was evacuated by exactly one call."""
        moved = [s['instance'] for s in self.bed.stamps()[self.stamped:]]
        for i in self.was:
            assert moved.count(i['uuid']) == 1, f"{i['uuid']} was evacuated {moved.count(i['uuid'])} times"


def passes(seconds):
    """What is tested is that time passes and nothing is done."""
    time.sleep(seconds)

# SPDX-License-Identifier: Apache-2.0
"""The cloud look-alike and a daemon beside it, as the benches want them: what is not about detection keeps its default value."""
import json
import os
import re
import sqlite3
import subprocess
import sys
import time

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, 'test', 'system', 'daemon'))
import daemon_bed  # noqa: E402
from daemon_bed import BUILD, until  # noqa: E402,F401

# as in engine/record.h, whose values are stored
HOST_ROW = {'suspect': 1, 'confirming': 2, 'fencing': 3, 'proving': 4, 'forcing-down': 5, 'disabling': 6, 'listing': 7, 'evacuating': 8,
            'verifying': 9, 'recovered': 10, 're-enabled': 15, 'held': 17}
INSTANCE_DONE = 8

SIM = {'projects': 2, 'service-down-ms': 3000, 'report-interval-ms': 500}
# Detection is quick, so that a bench does not wait; what comes after the verdict is as an operator gets it.
SETTINGS = {'monitors': {'nova': {'interval': '1s'}, 'probe': {'address': '', 'interval': '1s', 'timeout': '500ms', 'misses': 2}},
            'verdict': {'service-down-time': '3s', 'recheck-after': '300ms'}, 'log': {'level': 'info'}}


def merged(tree, changes):
    result = dict(tree)
    for key, value in changes.items():
        result[key] = merged(result[key], value) if isinstance(value, dict) and isinstance(result.get(key), dict) else value
    return result


class Bed(daemon_bed.Bed):
    """@sim: options of osha-cloudsim; @settings: laid over SETTINGS."""

    def __init__(self, sim, settings=None, agent='fence_cloudsim', agent_dir=None):
        self.settings = settings or {}
        self.agent_dir = agent_dir
        super().__init__(agent=agent, sim={**SIM, **sim})

    def configure(self, append='', **changes):
        control = self.ready['control'].split(':')[2].split('/')[0]
        level = {'name': 'device', 'agent': self.agent, 'timeout': '20s',
                 'parameters': {'ip': '127.0.0.1', 'ipport': control, 'plug': '{host}'}}
        tree = {'cloud': {'name': 'cloudsim', 'clouds-file': self.ready['clouds_yaml']}, 'state-dir': self.dir + '/state',
                'socket': self.dir + '/osha.sock', 'monitors': {'probe': {'port': self.ready['machine_port']}},
                'fencing': {'agent-path': [self.agent_dir or BUILD]}, 'segments': [{'name': 'all', 'hosts': ['*'], 'fencing': [level]}],
                'hosts': {h['name']: {'address': h['address']} for h in self.ready['hosts']}}
        with open(self.config, 'w', encoding='utf-8') as f:
            json.dump(merged(merged(tree, SETTINGS), self.settings), f)  # JSON is YAML

    def guard(self, host, limit=120):
        """A daemon that watches and has read the fence device of @host on; without that it could not fence it."""
        daemon = self.start()
        daemon.wait('watching')
        until(f'the fence device of {host} is known', lambda: self.journal('select 1 from state where key = ?', f'host/{host}'), limit)
        return daemon

    def journal(self, query, *arguments):
        """Rows of a query beside the running daemon; none before there is a journal."""
        path = self.dir + '/state/journal.db'
        if not os.path.exists(path):
            return []
        link = sqlite3.connect(f'file:{path}?mode=ro', uri=True, timeout=10)
        try:
            return link.execute(query, arguments).fetchall()
        except sqlite3.OperationalError as why:
            if 'no such table' in str(why):
                return []
            raise
        finally:
            link.close()

    def entered(self, host, row):
        """Wall milliseconds of the first record of the host's recovery in this row, or None."""
        rows = self.journal("select min(wall_ms) from history where key like 'recovery/%' and host = ? and row = ?", host, HOST_ROW[row])
        return rows[0][0] if rows else None

    def wait_entered(self, daemon, host, row, limit=120):
        """The log tells sooner and disturbs less than asking the journal again and again."""
        daemon.wait(rf'{re.escape(host)} \S+ -> {row}: ', limit)
        return until(f'{host} {row} in the journal', lambda: self.entered(host, row), 20)


def process_rss_kib(pid, field='VmRSS'):
    with open(f'/proc/{pid}/status', encoding='utf-8') as stream:
        return next(int(line.split()[1]) for line in stream if line.startswith(field + ':'))


def process_cpu_s(pid):
    """(own, ended children's) CPU seconds, user and system. The scheduler's own count where there is one: it does not sample."""
    with open(f'/proc/{pid}/stat', encoding='utf-8') as stream:
        words = stream.read().rsplit(')', 1)[1].split()
    tick = os.sysconf('SC_CLK_TCK')
    own, ended = (int(words[11]) + int(words[12])) / tick, (int(words[13]) + int(words[14])) / tick
    try:
        own = 0.0
        for task in os.listdir(f'/proc/{pid}/task'):
            with open(f'/proc/{pid}/task/{task}/schedstat', encoding='utf-8') as stream:
                own += int(stream.read().split()[0]) / 1e9
    except OSError:
        own = (int(words[11]) + int(words[12])) / tick
    return own, ended


def rest(seconds):
    """Let a measured span pass."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(min(1.0, max(0.0, end - time.monotonic())))


def built(is_sanity, *names):
    """Fail early and plainly where a program is missing or instrumented."""
    for name in names:
        path = os.path.join(BUILD, name)
        if not os.access(path, os.X_OK):
            sys.exit(f'{path} is not there: run tools/build as-is')
    if is_sanity:
        return
    symbols = subprocess.run(['nm', '-D', os.path.join(BUILD, 'oshad')], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    if '__asan_init' in symbols.stdout:
        sys.exit(f'{BUILD} is built with sanitizers, which is no measure: set OSHA_BUILD to a plain build')

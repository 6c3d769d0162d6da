# SPDX-License-Identifier: Apache-2.0
"""The programs under test, oshad and osha, as a case starts, kills and asks them.

What they are told about the rig stands in osha_config() alone.
"""
import glob
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile

from rig_layout import BMC_PORT, BMC_USER, PROBE_PORT, write_file
from rig_process import clean_env, wait_until
from tenants import ADMIN_MAIL, clouds_yaml

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', '..'))
# OSHA_BUILD names another folder than build/
BUILD = os.path.abspath(os.environ.get('OSHA_BUILD', os.path.join(ROOT, 'build')))


def build_path(name):
    """A built program."""
    return os.path.join(BUILD, name)


def is_built():
    return os.access(build_path('oshad'), os.X_OK) and os.access(build_path('osha'), os.X_OK)


# Timings that suit the rig's fast profile on a loaded machine: short where something is looked at
# again, generous where an answer is waited for.
TIMING = {
    'cloud': {'name': 'rig', 'connect-timeout': '3s', 'request-timeout': '20s'},
    'monitors': {
        'nova': {'interval': '500ms', 'timeout': '6s', 'fresh': '8s'},
        'probe': {'kind': 'tcp', 'address': '', 'interval': '300ms', 'timeout': '500ms',
                  'misses': 3, 'fresh': '3s'}},
    'verdict': {'recheck-after': '1s', 'confirm-timeout': '10s', 'degraded-after': '2s'},
    'recovery': {'hold-retry': '4s', 'step-timeout': '20s', 'retry-first': '300ms',
                 'retry-max': '2s', 'return-timeout': '60s'},
    'fencing': {'status-timeout': '8s', 'status-attempts': 3, 'power-poll': '1s',
                'device-check': '10s'},
    'evacuation': {'poll': '300ms', 'settle': '6s', 'stuck-after': '60s'},
}


def fence_level(world, folder, agent):
    """A fence level of every host's own BMC by one of the agents that are tried on the rig."""
    secret = {'file': os.path.join(folder, 'bmc.password')}
    common = {'ip': '{host}.bmc.invalid', 'ipport': str(BMC_PORT), 'username': BMC_USER,
              'password': secret, 'cipher': '3', 'login_timeout': '2'}
    if agent == 'fence_osha_ipmi':
        # ipmi_sim grants a session no more than what its first packet asks for
        keys = dict(common, workaround='open-session-privilege', power_timeout='4')
    elif agent == 'fence_ipmilan':
        keys = dict(common, lanplus='1', power_timeout='4', power_wait='0')
    elif agent == 'fence_dummy':
        keys = {'type': 'file', 'status_file': world.layout.path('dummy-{host}')}
    else:
        raise KeyError(agent)
    return {'name': 'bmc', 'agent': agent, 'timeout': '20s', 'attempts': 2, 'parameters': keys}


def merged(tree, changes):
    """`tree` with the values of `changes` laid over it, mappings within mappings too."""
    result = dict(tree)
    for key, value in changes.items():
        is_deep = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if is_deep else value
    return result


def osha_config(world, folder, agent='fence_osha_ipmi', **changes):
    """The configuration of a daemon that guards this rig, as a tree of plain values; `folder`
    is where its journal and socket live. `changes` are laid over it, dashes written as `_`."""
    layout = world.layout
    hosts = {}
    for host in layout.hosts:
        hosts[host] = {'address': layout.probe_address(host)}
        if agent != 'fence_dummy':
            hosts[host]['parameters'] = {'bmc': {'ip': layout.bmc_address(host)}}
    tree = merged(TIMING, {
        'cloud': {'clouds-file': os.path.join(folder, 'clouds.yaml')},
        'state-dir': os.path.join(folder, 'state'),
        'socket': os.path.join(folder, 'osha.sock'),
        'log': {'level': 'debug'},
        'monitors': {'probe': {'port': PROBE_PORT}},
        'verdict': {'service-down-time': '%ds' % layout.down_s},
        'fencing': {'agent-path': [BUILD, '/usr/sbin']},
        'notify': {'admins': [ADMIN_MAIL], 'retry-first': '500ms', 'email': {
            'server': layout.control, 'port': layout.port('smtp'), 'tls': 'none',
            'from': 'osha@example.com', 'hello': 'controller.example.com'}},
        'segments': [{'name': 'all', 'hosts': ['*'],
                      'fencing': [fence_level(world, folder, agent)]}],
        'hosts': hosts})
    return merged(tree, {key.replace('_', '-'): value for key, value in changes.items()})


class Osha:
    """One daemon with a folder of its own: osha.yaml, clouds.yaml, journal, log."""
    count = 0

    def __init__(self, world, **overrides):
        Osha.count += 1
        self.world = world
        self.name = 'oshad-%d-%d' % (os.getpid(), Osha.count)
        self.processes = world.rig.processes
        self.dir = world.layout.path(self.name)
        os.makedirs(self.dir)
        write_file(self.path('clouds.yaml'), clouds_yaml(world.layout), 0o600)
        write_file(self.path('bmc.password'), world.layout.bmc_password + '\n', 0o600)
        self.log_from = 0
        self.configure(**overrides)
        world.daemons.append(self)

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def configure(self, **overrides):
        # JSON is YAML
        value = osha_config(self.world, self.dir, **overrides)
        write_file(self.path('osha.yaml'), json.dumps(value, indent=1) + '\n', 0o600)

    def segment(self):
        """The one segment of the usual configuration, for a case that changes parts of it."""
        return osha_config(self.world, self.dir)['segments'][0]

    def _env(self):
        return clean_env(OS_CLIENT_CONFIG_FILE=self.path('clouds.yaml'))

    # -- the daemon --------------------------------------------------------------------------
    def start(self):
        """wait_log() looks at what this run says, log() at all."""
        self.log_from = len(self.log())
        self.processes.start(self.name, [build_path('oshad'), '--config', self.path('osha.yaml')],
                             env=self._env(), cwd=self.dir)
        return self

    def start_watching(self, unread=()):
        """Start, and wait until each fence device has read on (but for those of hosts `unread`):
        one that never did proves nothing later."""
        self.start()
        self.wait_watching(unread)
        return self

    def wait_watching(self, unread=(), timeout_s=60):
        self.wait_log('watching: ', timeout_s)
        wanted = {'host/' + h for h in self.world.hosts if h not in unread}

        def known():
            if not self.runs():
                raise AssertionError('oshad ended:\n' + self.log())
            return wanted <= {row[0] for row in self.journal("select key from state")}
        wait_until(known, timeout_s, 'readings of the fence devices', 0.1)

    def runs(self):
        return self.processes.pid(self.name) is not None

    def kill9(self):
        self.processes.kill(self.name)

    def reload(self):
        self.processes.signal(self.name, signal.SIGHUP)

    def stop(self):
        self.processes.stop(self.name, 10)

    def once(self, *args, timeout_s=120):
        """`oshad --once`; returns (exit status, stdout, stderr)."""
        done = subprocess.run(
            [build_path('oshad'), '--config', self.path('osha.yaml'), '--once'] + list(args),
            env=self._env(), cwd=self.dir, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, timeout=timeout_s, check=False)
        with open(self.processes.log_path(self.name), 'a', encoding='utf-8') as log:
            log.write(done.stderr)
        return done.returncode, done.stdout, done.stderr

    def replay(self):
        """What is wrong with a replay of what this daemon recorded; '' when it decides the same. A
        recording that failed outlives the rig."""
        recorded = self.path('state', 'flight.jsonl')
        if not os.path.exists(recorded) or not os.access(build_path('osha-sim'), os.X_OK):
            return ''
        done = subprocess.run([build_path('osha-sim'), '--replay', recorded], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
        print('replay of %s: %s' % (self.name, done.stdout.strip()), flush=True)
        if not done.returncode:
            return ''
        kept = tempfile.mkdtemp(prefix='osha-replay-')
        for name in glob.glob(recorded + '*'):
            shutil.copy(name, kept)
        return 'the replay of %s/flight.jsonl ended with %d' % (kept, done.returncode)

    # -- the log -----------------------------------------------------------------------------
    def log(self):
        try:
            with open(self.processes.log_path(self.name), encoding='utf-8', errors='replace') as stream:
                return stream.read()
        except FileNotFoundError:
            return ''

    def wait_log(self, pattern, timeout_s=90, step_s=0.05):
        """Until this run of the daemon has said it; the match. An end of the daemon fails."""
        compiled = re.compile(pattern)

        def said():
            is_over = not self.runs()
            found = compiled.search(self.log(), self.log_from)
            if is_over and not found:
                raise AssertionError('oshad ended before /%s/' % pattern)
            return found
        return wait_until(said, timeout_s, 'log line /%s/' % pattern, step_s)

    # -- the journal -------------------------------------------------------------------------
    def journal(self, query, arguments=()):
        """Rows of a query on the journal, beside a running daemon; none before it exists."""
        path = self.path('state', 'journal.db')
        if not os.path.exists(path):
            return []
        link = sqlite3.connect('file:%s?mode=ro' % path, uri=True, timeout=10)
        try:
            return link.execute(query, arguments).fetchall()
        except sqlite3.OperationalError as err:
            if 'no such table' in str(err):
                return []
            raise
        finally:
            link.close()

    # -- the operator's command --------------------------------------------------------------
    def ctl(self, *args, timeout_s=30):
        """`osha ARGS`; returns (exit status, stdout, stderr)."""
        done = subprocess.run(
            [build_path('osha'), '--config', self.path('osha.yaml')] + list(args),
            env=self._env(), cwd=self.dir, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, timeout=timeout_s, check=False)
        return done.returncode, done.stdout, done.stderr

    def ask(self, *args):
        """`osha ARGS --json`; returns its value, the exit status must be 0."""
        status, out, err = self.ctl(*args, '--json')
        if status:
            raise AssertionError('osha %s: %d %s' % (' '.join(args), status, err))
        return json.loads(out)

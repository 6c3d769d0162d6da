# SPDX-License-Identifier: Apache-2.0
"""The programs under test, oshad and osha, as a case starts, kills and asks them.

What they are told about the rig stands in osha_config() alone.
"""
import json
import os
import re
import signal
import subprocess

from rig_layout import write_file
from rig_process import clean_env, wait_until
from tenants import clouds_yaml

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', '..'))


def build_path(name):
    """A built program; OSHA_BUILD names another folder than build/."""
    return os.path.join(os.environ.get('OSHA_BUILD', os.path.join(ROOT, 'build')), name)


def is_built():
    return os.access(build_path('oshad'), os.X_OK) and os.access(build_path('osha'), os.X_OK)


def osha_config(world, folder, **overrides):
    """The configuration of a daemon that guards this rig, as a tree of plain values; `folder`
    is where its journal and socket live. A value in `overrides` replaces a top-level key."""
    del world, folder
    return dict(overrides)


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
        self.configure(**overrides)
        world.daemons.append(self)

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def configure(self, **overrides):
        # JSON is YAML
        value = osha_config(self.world, self.dir, **overrides)
        write_file(self.path('osha.yaml'), json.dumps(value, indent=1) + '\n', 0o600)

    def _env(self):
        return clean_env(OS_CLIENT_CONFIG_FILE=self.path('clouds.yaml'))

    # -- the daemon --------------------------------------------------------------------------
    def start(self):
        self.processes.start(self.name, [build_path('oshad'), '--config', self.path('osha.yaml')],
                             env=self._env(), cwd=self.dir)
        return self

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

    # -- the log -----------------------------------------------------------------------------
    def log(self):
        try:
            with open(self.processes.log_path(self.name), encoding='utf-8', errors='replace') as stream:
                return stream.read()
        except FileNotFoundError:
            return ''

    def wait_log(self, pattern, timeout_s=60):
        return wait_until(lambda: re.search(pattern, self.log()), timeout_s,
                          'log line /%s/' % pattern, 0.1)

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

# SPDX-License-Identifier: Apache-2.0
"""Long-lived processes of a rig: start, signal and end them by the id in their pid file.

A pid file holds the id and the kernel's start time, so that a recycled id is never signalled.
Each process leads a group of its own; signals go to the group. What to start is left to callers.
"""
import fcntl
import json
import os
import signal
import subprocess
import threading
import time

PYTHON = '/usr/bin/python3'
# The OpenStack packages belong to Debian's Python: a pyenv or venv in front would hide them.
PATH = '/usr/sbin:/usr/bin:/sbin:/bin'


def clean_env(**extra):
    env = {'PATH': PATH, 'LANG': 'C.UTF-8', 'HOME': os.environ.get('HOME', '/tmp'),
           'PYTHONUNBUFFERED': '1'}
    env.update(extra)
    return env


def _start_time(pid):
    """Kernel start time of a living process; None for one that is gone or a zombie."""
    try:
        with open('/proc/%d/stat' % pid, encoding='ascii', errors='replace') as stream:
            fields = stream.read().rpartition(')')[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in 'ZX' else int(fields[19])


def wait_until(check, timeout_s, what, step_s=0.05):
    """Poll `check` until it returns something true, which is returned; else raise TimeoutError."""
    end = time.monotonic() + timeout_s
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError('%s: not within %g s' % (what, timeout_s))
        time.sleep(step_s)


class Processes:
    # Shared by all instances: once closed nothing starts any more, whichever thread asks for it.
    _lock = threading.Lock()
    _is_closed = False

    def __init__(self, layout):
        self.layout = layout

    def _pid_path(self, name):
        return self.layout.path('run', name + '.pid')

    def log_path(self, name):
        return self.layout.path('log', name + '.log')

    def names(self):
        return sorted(entry[:-4] for entry in os.listdir(self.layout.path('run'))
                      if entry.endswith('.pid'))

    @classmethod
    def close(cls):
        """From here on start() and run() refuse: what is ended now stays ended."""
        with cls._lock:
            cls._is_closed = True

    def _spawn(self, name, argv, env, cwd, stdin):
        with self._lock, open(self.log_path(name), 'ab') as log:
            if self._is_closed:
                raise RuntimeError('%s: the rig is being ended' % name)
            child = subprocess.Popen(argv, stdin=stdin, stdout=log, stderr=log,
                                     env=env or clean_env(), cwd=cwd or self.layout.dir,
                                     start_new_session=True)
            record = {'pid': child.pid, 'start': _start_time(child.pid)}
            with open(self._pid_path(name), 'w', encoding='ascii') as stream:
                json.dump(record, stream)
            return child

    def start(self, name, argv, env=None, cwd=None):
        """Start `argv` in a session of its own with its output in log/NAME.log."""
        if self.pid(name):
            raise RuntimeError('%s runs already' % name)
        child = self._spawn(name, argv, env, cwd, subprocess.DEVNULL)
        # Reaped by pid() when it ends; a Popen object would warn about a child left alive.
        child.returncode = 0
        return child.pid

    def run(self, name, argv, env=None, stdin=None):
        """Run `argv` to its end; it must succeed."""
        child = self._spawn(name, argv, env, None, subprocess.PIPE)
        child.communicate(stdin)
        self.forget(name)
        if child.returncode:
            raise RuntimeError('%s: exit status %d\n%s' % (name, child.returncode, self.tail(name)))

    def pid(self, name):
        """Id of the living process of this name, else None."""
        try:
            with open(self._pid_path(name), encoding='ascii') as stream:
                record = json.load(stream)
        except (FileNotFoundError, ValueError):
            return None
        pid = record['pid']
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            pass
        start = _start_time(pid)
        return pid if start is not None and start == record['start'] else None

    def signal(self, name, number):
        pid = self.pid(name)
        if pid is None:
            return False
        try:
            os.killpg(pid, number)
        except ProcessLookupError:
            return False
        return True

    def pause(self, name):
        """SIGSTOP: the process hangs, its sockets stay open."""
        if not self.signal(name, signal.SIGSTOP):
            raise RuntimeError('%s does not run' % name)

    def resume(self, name):
        self.signal(name, signal.SIGCONT)

    def is_paused(self, name):
        pid = self.pid(name)
        if pid is None:
            return False
        with open('/proc/%d/stat' % pid, encoding='ascii', errors='replace') as stream:
            return stream.read().rpartition(')')[2].split()[0] == 'T'

    def kill(self, name):
        """SIGKILL, and wait until it is gone (2 s is what a loaded kernel may need)."""
        if self.signal(name, signal.SIGKILL):
            wait_until(lambda: self.pid(name) is None, 10, 'end of ' + name, 0.005)
        self.forget(name)

    def stop(self, name, grace_s=2.0):
        """SIGTERM, then SIGKILL for what needs longer than `grace_s`."""
        if self.signal(name, signal.SIGTERM):
            self.signal(name, signal.SIGCONT)
            try:
                wait_until(lambda: self.pid(name) is None, grace_s, 'end of ' + name, 0.02)
            except TimeoutError:
                self.kill(name)
        self.forget(name)

    def forget(self, name):
        try:
            os.unlink(self._pid_path(name))
        except FileNotFoundError:
            pass

    def tail(self, name, lines=30):
        try:
            with open(self.log_path(name), encoding='utf-8', errors='replace') as stream:
                return ''.join(stream.readlines()[-lines:])
        except FileNotFoundError:
            return ''


class FileLock:
    """Exclusive flock for a `with` block, across processes."""

    def __init__(self, path):
        self.path = path
        self.stream = None

    def __enter__(self):
        self.stream = open(self.path, 'a', encoding='ascii')
        fcntl.flock(self.stream, fcntl.LOCK_EX)
        return self

    def __exit__(self, *_):
        self.stream.close()

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the cases in cases/*.py against one real OpenStack; last line: N passed, N failed, N skipped.

A case is a function case_NAME(world). It may carry attributes set by @case(...): a time limit,
whether a split brain is expected, what it needs. After each case the rig is made clean again,
and a guest seen on two hosts at once fails the case, whatever else it found.
"""
import argparse
import glob
import importlib.util
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

# pylint: disable=wrong-import-position
import rig as rig_module  # noqa: E402  (goes on under the system's Python)
from rig_layout import DEFAULT_HOSTS, PROFILES, Layout  # noqa: E402

DEFAULT_LIMIT_S = 180


class Skip(Exception):
    """Raised by a case that cannot run here; the text says why."""


class OutOfTime(BaseException):
    """Not an Exception, so that no case swallows it."""


def load_cases(pattern):
    found = []
    for path in sorted(glob.glob(os.path.join(HERE, 'cases', '*.py'))):
        group = os.path.splitext(os.path.basename(path))[0]
        spec = importlib.util.spec_from_file_location('case_' + group, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        functions = [(f.__code__.co_firstlineno, n, f) for n, f in vars(module).items()
                     if n.startswith('case_') and callable(f)]
        for _, name, function in sorted(functions, key=lambda item: item[0]):
            full = '%s.%s' % (group, name[5:])
            if not pattern or re.search(pattern, full):
                found.append((full, function))
    return found


def on_alarm(_number, _frame):
    raise OutOfTime('time limit')


class Runner:
    def __init__(self, world, limit_factor):
        self.world = world
        self.limit_factor = limit_factor
        self.counts = {'passed': 0, 'failed': 0, 'skipped': 0}
        self.log_sizes = {}
        self.failures = []

    def run(self, name, function):
        print('---- %s' % name, flush=True)
        self._note_logs()
        began = time.monotonic()
        limit = int(getattr(function, 'limit_s', DEFAULT_LIMIT_S) * self.limit_factor)
        result, text = self._guarded(function, limit)
        took = time.monotonic() - began
        if result == 'failed':
            print(text, flush=True)
            self._show_state()
        reset_began = time.monotonic()
        try:
            self._bounded(self.world.reset, 150)
        except (Exception, OutOfTime):  # pylint: disable=broad-except
            result, text = 'failed', 'reset: ' + traceback.format_exc()
            print('reset after %s:\n%s' % (name, text), flush=True)
            self._show_state()
        self.counts[result] += 1
        if result == 'failed':
            self.failures.append((name, text.strip().splitlines()[-1], self._daemon_end()))
        print('%-7s %s (%.1f s, reset %.1f s)%s' % (
            result, name, took, time.monotonic() - reset_began,
            ': ' + text if result == 'skipped' else ''), flush=True)

    def _bounded(self, function, limit_s, *args):
        signal.alarm(limit_s)
        try:
            function(*args)
        finally:
            signal.alarm(0)

    def _guarded(self, function, limit_s):
        try:
            self._bounded(function, limit_s, self.world)
            if not getattr(function, 'expects_split', False):
                self.world.watch.assert_no_split_brain()
            return 'passed', ''
        except Skip as err:
            return 'skipped', str(err)
        except (Exception, OutOfTime):  # pylint: disable=broad-except
            return 'failed', traceback.format_exc()

    # -- what a failure shows ----------------------------------------------------------------
    def _note_logs(self):
        folder = self.world.layout.path('log')
        self.log_sizes = {n: os.path.getsize(os.path.join(folder, n)) for n in os.listdir(folder)}

    def _new_lines(self, name):
        path = self.world.layout.path('log', name)
        with open(path, encoding='utf-8', errors='replace') as stream:
            stream.seek(self.log_sizes.get(name, 0))
            return [line.rstrip().replace('\x1b[00m', '') for line in stream]

    def _daemon_end(self):
        names = [n for n in self.log_sizes if n.startswith('osha')]
        names += [n for n in os.listdir(self.world.layout.path('log'))
                  if n.startswith('osha') and n not in names]
        lines = [line for n in sorted(names)[-1:] for line in self._new_lines(n)]
        return [line for line in lines if ' debug ' not in line][-8:]

    def show_failures(self):
        """Once more at the end, in short: whoever reads only the last lines sees what failed."""
        for name, why, lines in self.failures:
            print('failed  %s: %s' % (name, why))
            print('\n'.join('   ' + line[:200] for line in lines))

    def _show_state(self):
        print('guests: %s' % self.world.watch.guests())
        for title, ask in (
                ('services', lambda: [
                    (h, s['state'], s['status'], s['forced_down'], s['updated_at'])
                    for h, s in self.world.cloud.services().items()]),
                ('servers', lambda: [
                    (s['name'], s['id'], s['status'], s['OS-EXT-STS:task_state'],
                     s['OS-EXT-SRV-ATTR:host']) for s in self.world.cloud.servers()]),
                ('migrations', lambda: [
                    (m['instance_uuid'], m['status'], m['source_compute'], m['dest_compute'])
                    for m in self.world.cloud.migrations()])):
            try:
                print('%s: %s' % (title, '\n    '.join([''] + [str(i) for i in ask()])))
            except Exception as err:  # pylint: disable=broad-except
                print('%s: %s' % (title, err))
        for name in sorted(os.listdir(self.world.layout.path('log'))):
            lines = self._new_lines(name)
            if not name.startswith('osha'):
                lines = [line for line in lines if ' ERROR ' in line or 'Traceback' in line]
                lines = lines[-12:]
            if lines:
                print('-- %s' % name)
                print('\n'.join('   ' + line[:400] for line in lines[-200:]))
        sys.stdout.flush()


def get_rig(args):
    """An existing rig in --dir is used as it is; else one is brought up."""
    if args.dir and os.path.exists(os.path.join(args.dir, 'rig.json')):
        return rig_module.Rig(Layout(args.dir)), False
    folder = args.dir or tempfile.mkdtemp(prefix='osha-rig-')
    report_s, down_s = PROFILES[args.profile]
    return rig_module.bring_up(folder, args.hosts.split(','), report_s, down_s), True


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('-k', metavar='PATTERN', help='regular expression on GROUP.CASE')
    parser.add_argument('-l', action='store_true', help='list the cases')
    parser.add_argument('--dir', help='folder of the rig; one that runs already is left running')
    parser.add_argument('--hosts', default=','.join(DEFAULT_HOSTS))
    parser.add_argument('--profile', choices=sorted(PROFILES), default='fast')
    parser.add_argument('--limit-factor', type=float, default=1.0, help='stretches time limits')
    parser.add_argument('--keep', action='store_true', help='keep the folder of a rig of our own')
    return parser.parse_args(argv)


def main(argv):
    args = parse(argv)
    cases = load_cases(args.k)
    if args.l:
        print('\n'.join(name for name, _ in cases))
        return 0
    from world import World  # needs packages that get_rig may have to install
    signal.signal(signal.SIGALRM, on_alarm)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    rig, is_ours = get_rig(args)
    runner = None
    try:
        world = World(rig)
        runner = Runner(world, args.limit_factor)
        for name, function in cases:
            runner.run(name, function)
        runner.show_failures()
        print('rig memory: %d MB' % rig.memory_mb())
        world.close()
    finally:
        if is_ours:
            rig.down()
            if not args.keep:
                shutil.rmtree(rig.layout.dir, ignore_errors=True)
    print('%(passed)d passed, %(failed)d failed, %(skipped)d skipped' % runner.counts)
    return 1 if runner.counts['failed'] or not cases else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))

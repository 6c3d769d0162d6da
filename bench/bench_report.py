# SPDX-License-Identifier: Apache-2.0
"""What every bench prints: machine, date, each run, the figure against its limit, and one exit status."""
import argparse
import datetime
import json
import os
import statistics
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def machine():
    """What the figures were measured on."""
    def first(path, word):
        with open(path, encoding='utf-8') as stream:
            return next((line.split(':', 1)[1].strip() for line in stream if line.startswith(word)), '?')
    commit = subprocess.run(['git', '-C', ROOT, 'describe', '--always', '--dirty'], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                            text=True, check=False).stdout.strip()
    return {'cpu': first('/proc/cpuinfo', 'model name'), 'cores': len(os.sched_getaffinity(0)),
            'memory_mib': int(first('/proc/meminfo', 'MemTotal').split()[0]) // 1024, 'kernel': os.uname().release, 'commit': commit or '?'}


def median(values):
    return statistics.median(values)


class Report:
    """A name, what is counted and how, runs as they come, figures, and the end of the program."""

    def __init__(self, name, about, options):
        self.is_json = options.json
        self.is_sanity = options.sanity
        self.value = {'bench': name, 'about': about, 'date': datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%d %H:%M UTC'),
                      'machine': machine(), 'load_before': os.getloadavg()[0], 'notes': [], 'runs': [], 'figures': []}
        self.say(f'{name}: {about}')
        m = self.value['machine']
        self.say(f"{self.value['date']}, {m['cpu']}, {m['cores']} cores, {m['memory_mib']} MiB, Linux {m['kernel']}, commit {m['commit']}, "
                 f"load {self.value['load_before']:.1f}")

    def say(self, text):
        if not self.is_json:
            print(text, flush=True)

    def note(self, text):
        """What a reader has to know to judge the figure."""
        self.value['notes'].append(text)
        self.say('  ' + text)

    def run(self, text, **values):
        """One measurement; @text is for people, the values for machines."""
        self.value['runs'].append({**values, 'load': round(os.getloadavg()[0], 2)})
        self.say(f'  run {len(self.value["runs"])}: {text} (load {os.getloadavg()[0]:.1f})')

    def figure(self, what, value, unit, limit, is_at_least=False):
        """Judge @value: at most @limit, or at least."""
        is_met = value >= limit if is_at_least else value <= limit
        self.value['figures'].append({'figure': what, 'value': value, 'unit': unit, 'limit': limit, 'ratio': round(value / limit, 3),
                                      'rule': 'at least' if is_at_least else 'at most', 'met': is_met})
        self.say(f"{'met   ' if is_met else 'MISSED'} {what}: {value:.4g} {unit}, {'at least' if is_at_least else 'at most'} {limit:g} {unit} "
                 f'(ratio {value / limit:.3f})')

    def end(self):
        """Exit status 0 when every figure is met, else 1; with --sanity 0 when there are figures at all."""
        self.value['load_after'] = os.getloadavg()[0]
        is_met = bool(self.value['figures']) and all(f['met'] for f in self.value['figures'])
        self.value['met'] = is_met
        if self.is_json:
            print(json.dumps(self.value))
        sys.exit(0 if is_met or (self.is_sanity and self.value['figures']) else 1)


def parser(text):
    made = argparse.ArgumentParser(description=text)
    made.add_argument('--json', action='store_true', help='one JSON object in place of text')
    made.add_argument('--sanity', action='store_true', help='does the bench itself work: any build, and no figure is judged')
    return made

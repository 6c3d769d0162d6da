# SPDX-License-Identifier: Apache-2.0
"""A list of named cases, their running and their count. A case fails by an exception and is skipped by raising Skip."""

import subprocess
import sys
import time
import traceback


class Skip(Exception):
    """The case needs something that this machine has not got; the text says what."""


CASES = []


def case(function):
    CASES.append((function.__name__, function))
    return function


def add_case(name, function):
    CASES.append((name, function))


class Run:
    """What an agent did: exit status, both outputs, how long it took."""

    def __init__(self, command, keys=None, kill_after_s=60):
        text = None if keys is None else "".join(f"{k}={v}\n" for k, v in keys.items())
        started = time.monotonic()
        done = subprocess.run(command, input=text, stdin=subprocess.DEVNULL if text is None else None,
                              capture_output=True, text=True, timeout=kill_after_s, check=False)
        self.took_s = time.monotonic() - started
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr

    def __repr__(self):
        return f"exit {self.status} after {self.took_s:.2f} s, stdout {self.out!r}, stderr {self.err!r}"

    def must(self, status, word=""):
        assert self.status == status and word in self.out + self.err, f"wanted exit {status} and {word!r}: {self!r}"
        return self


def run_all(filter_word):
    """Runs the cases whose name holds the word, prints one line each and the count; returns the exit status."""
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for name, function in CASES:
        if filter_word not in name:
            continue
        verdict, why = "passed", ""
        try:
            function()
        except Skip as e:
            verdict, why = "skipped", f": {e}"
        except Exception:  # a case may fail in any way; the count must still come
            verdict, why = "failed", "\n" + traceback.format_exc()
        counts[verdict] += 1
        print(f"{verdict:7} {name}{why}", flush=True)
    print(", ".join(f"{n} {word}" for word, n in counts.items()))
    sys.stdout.flush()
    return 1 if counts["failed"] else 0

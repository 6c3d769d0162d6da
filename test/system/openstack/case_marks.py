# SPDX-License-Identifier: Apache-2.0
"""What a case file imports: the decorator that marks a case, and assertions that say what they saw."""


def case(limit_s=None, expects_split=False):
    """Time limit of a case in seconds; expects_split: it makes a split brain on purpose."""
    def mark(function):
        if limit_s:
            function.limit_s = limit_s
        function.expects_split = expects_split
        return function
    return mark


def equal(got, wanted, what):
    if got != wanted:
        raise AssertionError('%s: got %r, wanted %r' % (what, got, wanted))


def true(condition, what):
    if not condition:
        raise AssertionError(what)

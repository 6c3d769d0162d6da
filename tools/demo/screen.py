# SPDX-License-Identifier: Apache-2.0
"""How the demonstration looks: headings, wrapped lines and mails, coloured on a terminal, plain elsewhere."""
import email
import email.policy
import os
import re
import shutil
import sys
import textwrap

LOG_LINE = re.compile(r'\S+ (debug|info|notice|warning|error|err|crit|alert|emerg)\s+(.*)')
WIDTH_MAX = 110
MARK = 'oshad | '
RESET, BOLD, DIM, RED, GREEN, YELLOW, CYAN = (f'\033[{code}m' for code in ('0', '1', '2', '31', '32', '33', '36'))
LEVEL_COLOUR = {'debug': DIM, 'info': '', 'notice': CYAN, 'warning': YELLOW}


class Screen:
    def __init__(self):
        self.is_terminal = sys.stdout.isatty()
        self.has_colour = self.is_terminal and not os.environ.get('NO_COLOR') and os.environ.get('TERM') != 'dumb'
        self.width = min(shutil.get_terminal_size((100, 40)).columns, WIDTH_MAX) if self.is_terminal else WIDTH_MAX

    def paint(self, colour, text):
        return colour + text + RESET if self.has_colour and colour else text

    def put(self, text=''):
        print(text, flush=True)

    def wrap(self, text, first='', rest=None, colour=''):
        rest = ' ' * len(first) if rest is None else rest
        lines = textwrap.wrap(text, self.width - len(first), break_long_words=False, break_on_hyphens=False) or ['']
        for k, line in enumerate(lines):
            self.put((rest if k else first) + self.paint(colour, line))

    def heading(self, text):
        self.put()
        self.put(self.paint(BOLD, text))

    def note(self, text):
        self.wrap(text, '  ')

    def log_line(self, line, after_s):
        """One line of the daemon's own; its date gives way to the seconds since the power cut."""
        found = LOG_LINE.match(line)
        level, text = found.groups() if found else ('info', line)
        when = f'{after_s:+7.2f} s  '
        self.wrap(f'{level}: {text}', when + MARK, ' ' * len(when) + MARK, LEVEL_COLOUR.get(level, RED))

    def mail(self, path):
        """A message as its reader sees it: the headers that matter and the text part."""
        with open(path, 'rb') as f:
            message = email.message_from_binary_file(f, policy=email.policy.default)
        bar = '    | '
        for name in ('From', 'To', 'Subject'):
            self.wrap(f'{name}: {message[name]}', bar, bar + '  ', BOLD)
        self.put(bar.rstrip())
        body = message.get_body(preferencelist=('plain',))
        for line in (body.get_content().rstrip() if body else '(no text part)').split('\n'):
            self.put((bar + line).rstrip())
        parts = [part.get_content_type() for part in message.walk() if not part.is_multipart()]
        if 'text/html' in parts:
            self.put(bar + self.paint(DIM, '(and the same as HTML)'))

# SPDX-License-Identifier: Apache-2.0
"""Reads what mail_sink.py stored: messages by recipient, decoded, and its knobs."""
import email
import email.policy
import json
import os

from rig_layout import read_json, write_file
from rig_process import wait_until


class Mail:
    """One stored message."""

    def __init__(self, record):
        self.at = record['at']
        self.door = record['door']
        self.to = record['to']
        self.sender = record['from']
        self.message = email.message_from_string(record['data'], policy=email.policy.default)

    @property
    def subject(self):
        return str(self.message['Subject'])

    def part(self, kind='plain'):
        """Text of the plain or html part; empty when there is none."""
        body = self.message.get_body((kind,))
        return body.get_content() if body else ''

    def __repr__(self):
        return '<mail to %s: %s>' % (','.join(self.to), self.subject)


class MailBox:
    def __init__(self, layout):
        self.folder = layout.path('mail')

    def all(self):
        names = sorted(n for n in os.listdir(self.folder) if n[0].isdigit() and n.endswith('.json'))
        return [Mail(read_json(os.path.join(self.folder, name), None)) for name in names]

    def to(self, address, subject=''):
        return [m for m in self.all() if address in m.to and subject in m.subject]

    def wait_to(self, address, count=1, subject='', timeout_s=30):
        """Until `count` messages to this address came; returns them."""
        return wait_until(
            lambda: (lambda found: found if len(found) >= count else None)(self.to(address, subject)),
            timeout_s, '%d mails to %s' % (count, address), 0.1)

    def knobs(self, **values):
        """refuse=[..], defer=[..], delay_s=N; no arguments: none."""
        write_file(os.path.join(self.folder, 'knobs.json'), json.dumps(values))

    def clear(self):
        self.knobs()
        for name in os.listdir(self.folder):
            if name[0].isdigit():
                os.unlink(os.path.join(self.folder, name))

# SPDX-License-Identifier: Apache-2.0
"""A real SMTP server that keeps every message as a file, for the mails of the daemon under test.

Three doors: plain; STARTTLS with login required; implicit TLS with login. Knobs in
mail/knobs.json, read at each message: {"refuse": [ADDRESS..] (550), "defer": [ADDRESS..] (450),
"delay_s": N}. A stored message is mail/NNNNNN.json: sender, recipients, door, time, data.
"""
import asyncio
import json
import os
import ssl
import subprocess
import sys
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from rig_layout import Layout, read_json, write_file

LOGIN = 'mailer'


class Sink:
    def __init__(self, layout, door):
        self.folder = layout.path('mail')
        self.door = door

    def _knobs(self):
        return read_json(os.path.join(self.folder, 'knobs.json'), {})

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        knobs = self._knobs()
        if address in knobs.get('refuse', []):
            return '550 5.1.1 no such mailbox'
        if address in knobs.get('defer', []):
            return '450 4.2.1 mailbox busy'
        envelope.rcpt_tos.append(address)
        return '250 OK'

    async def handle_DATA(self, server, session, envelope):
        await asyncio.sleep(self._knobs().get('delay_s', 0))
        record = {'at': time.time(), 'door': self.door, 'tls': session.ssl is not None,
                  'login': session.authenticated, 'from': envelope.mail_from,
                  'to': envelope.rcpt_tos, 'data': envelope.content.decode('utf-8', 'replace')}
        name = '%020d-%s.json' % (time.time_ns(), self.door)
        write_file(os.path.join(self.folder, name), json.dumps(record))
        return '250 Message accepted'


class PlainDoor(Controller):
    def factory(self):
        return SMTP(self.handler, hostname='mail.example.com', enable_SMTPUTF8=True)


class LoginDoor(Controller):
    """Login needed, and TLS before it."""
    tls = None
    authenticator = None
    is_implicit = False

    def factory(self):
        if self.is_implicit:
            return SMTP(self.handler, hostname='mail.example.com', auth_required=True,
                        auth_require_tls=False, authenticator=self.authenticator)
        return SMTP(self.handler, hostname='mail.example.com', tls_context=self.tls,
                    require_starttls=True, auth_required=True, authenticator=self.authenticator)


def make_certificate(layout):
    """A self-signed certificate for the control address; it is its own authority."""
    key, cert = layout.conf('mail.key'), layout.conf('mail.pem')
    if not os.path.exists(cert):
        subprocess.run(
            ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256',
             '-nodes', '-days', '30', '-subj', '/CN=mail.example.com', '-keyout', key,
             '-out', cert, '-addext', 'subjectAltName=IP:%s,DNS:mail.example.com' % layout.control],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


def main():
    layout = Layout(sys.argv[1])
    context = make_certificate(layout)

    def authenticate(server, session, envelope, mechanism, data):
        good = (isinstance(data, LoginPassword) and data.login == LOGIN.encode()
                and data.password == layout.password.encode())
        return AuthResult(success=good)

    LoginDoor.tls = context
    LoginDoor.authenticator = staticmethod(authenticate)
    tls_door = LoginDoor(Sink(layout, 'tls'), hostname=layout.control,
                         port=layout.port('smtp_tls'), ssl_context=context)
    tls_door.is_implicit = True
    doors = [PlainDoor(Sink(layout, 'plain'), hostname=layout.control, port=layout.port('smtp')),
             LoginDoor(Sink(layout, 'starttls'), hostname=layout.control,
                       port=layout.port('smtp_starttls')), tls_door]
    for door in doors:
        door.start()
    while True:
        time.sleep(3600)


if __name__ == '__main__':
    main()

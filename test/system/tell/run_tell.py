#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Telling, end to end: a real SMTP server (aiosmtpd), a simulated Keystone and Nova, a real journal. Arguments: build directory, tell_driver."""
import asyncio
import email
import email.policy
import json
import logging
import os
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
import warnings

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

warnings.filterwarnings('ignore', module='aiosmtpd')
logging.getLogger('mail.log').setLevel(logging.CRITICAL + 1)
BUILD, DRIVER = sys.argv[1:3]
ADMINS = ['ops@example.com', 'night@example.com']
HOSTILE = 'web\r\nBcc: eve@example.com <script>alert("1")</script> \u202etxt.exe & "Grüße" \x1b[2J'
PASSWORD = 'not-to-be-seen-anywhere'
QUEUED, SENT = 1, 2  # enum mail_state


class Sim:
    """One running osha-cloudsim."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix='osha-tell-')
        self.process = subprocess.Popen([os.path.join(BUILD, 'osha-cloudsim'), '--dir', self.dir, '--no-bmcs', '--no-machines',
                                         '--hosts', '4', '--instances', '12', '--projects', '2', '--seed', '7'], stdout=subprocess.PIPE)
        line = self.process.stdout.readline()
        assert line, 'osha-cloudsim did not start'
        self.ready = json.loads(line)
        self.projects = {p['name']: p['id'] for p in self.ready['projects']}

    def control(self, method, order, **body):
        request = urllib.request.Request(f"{self.ready['control']}/{order}", data=json.dumps(body).encode(), method=method)
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.loads(reply.read())

    def close(self):
        self.process.terminate()
        self.process.wait(30)
        self.process.stdout.close()
        shutil.rmtree(self.dir)


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def make_certs(folder):
    def openssl(*words):
        subprocess.run(['openssl', *words], check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for ca in ('ca', 'other'):
        openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', f'/CN={ca}',
                '-keyout', f'{ca}.key', '-out', f'{ca}.pem')
    openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=mail', '-keyout', 'mail.key', '-out', 'mail.csr')
    with open(os.path.join(folder, 'san'), 'w', encoding='ascii') as file:
        file.write('subjectAltName=IP:127.0.0.1\n')
    openssl('x509', '-req', '-in', 'mail.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'san', '-out', 'mail.pem')


class Mailbox:
    """A mail server that keeps what it takes and misbehaves on demand."""

    def __init__(self, port=0, tls=None, folder=None, login=False):
        self.mails, self.temporary, self.refused, self.hanging, self.logins = [], 0, set(), set(), []
        self.port = port or free_port()
        context = None
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(os.path.join(folder, 'mail.pem'), os.path.join(folder, 'mail.key'))
        more = {}
        if tls == 'starttls':
            more = {'tls_context': context, 'require_starttls': True}
        elif tls == 'implicit':
            more = {'ssl_context': context, 'auth_require_tls': False}
        if login:
            more.update(authenticator=self.authenticate, auth_required=True)
        self.controller = Controller(self, hostname='127.0.0.1', port=self.port, **more)
        self.controller.start()

    def authenticate(self, server, session, envelope, mechanism, data):
        ok = isinstance(data, LoginPassword) and data.login == b'osha' and data.password == PASSWORD.encode()
        self.logins.append((mechanism, ok))
        return AuthResult(success=ok, handled=ok)

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.hanging:
            await asyncio.sleep(60)
        if address in self.refused:
            return '550 5.1.1 nobody of that name'
        envelope.rcpt_tos.append(address)
        return '250 OK'

    async def handle_DATA(self, server, session, envelope):
        if self.temporary > 0:
            self.temporary -= 1
            return '451 4.3.0 later'
        self.mails.append((envelope.rcpt_tos[0], email.message_from_bytes(envelope.content, policy=email.policy.default)))
        assert len(envelope.rcpt_tos) == 1
        return '250 OK'

    def close(self):
        self.controller.stop()


class Bed:
    """Configuration, journal and facts of one case."""

    def __init__(self, sim):
        self.sim, self.dir = sim, tempfile.mkdtemp(prefix='osha-tell-')
        self.log = ''

    def path(self, name):
        return os.path.join(self.dir, name)

    def config(self, port, tls='none', cacert='', login=False, **more):
        mail = {'server': '127.0.0.1', 'port': port, 'tls': tls, 'from': 'osha@ctl.example.com', 'hello': 'ctl.example.com', 'timeout': '3s', **more}
        if cacert:
            mail['cacert'] = cacert
        if login:
            with open(self.path('password'), 'w', encoding='ascii') as file:
                file.write(PASSWORD + '\n')
            os.chmod(self.path('password'), 0o600)
            mail.update(user='osha', password={'file': self.path('password')})
        tree = {'cloud': {'name': 'cloudsim', 'clouds-file': self.sim.ready['clouds_yaml']}, 'state-dir': self.dir,
                'segments': [{'name': 'all', 'hosts': ['*'], 'single-source': 'accepted', 'down-when': 'nova'}],
                'notify': {'admins': ADMINS, 'retry-first': '100ms', 'retry-max': '400ms', 'email': mail}}
        with open(self.path('osha.yaml'), 'w', encoding='utf-8') as file:
            json.dump(tree, file)  # JSON is YAML

    def facts(self, instances=(), **recovery):
        base = {'id': 'test-1-1', 'host': 'compute-1', 'row': 'fencing', 'due': 1, 'told': 1, 'why': 'the policy says down',
                'stamps': {'suspect': 1700000000000, 'confirming': 1700000001000, 'fencing': 1700000002000}}
        with open(self.path('facts.json'), 'w', encoding='utf-8') as file:
            json.dump({'recovery': {**base, **recovery}, 'instances': list(instances)}, file)

    def start(self, *orders):
        out, err = open(self.path('out'), 'w', encoding='utf-8'), open(self.path('log'), 'w', encoding='utf-8')
        with out, err:
            return subprocess.Popen([DRIVER, self.path('osha.yaml'), self.path('journal.db'), self.path('facts.json'), *orders], stdout=out, stderr=err)

    def end(self, process, status=0, limit=40):
        try:
            found = process.wait(limit)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            found = 'no end'
        self.log = self.read('log')
        assert found == status, f'driver: {found}\n{self.read("out")}\n{self.log}'
        assert PASSWORD not in self.log, 'the password is in the log'
        return self.read('out').splitlines()

    def read(self, name):
        with open(self.path(name), encoding='utf-8', errors='replace') as file:
            return file.read()

    def run(self, *orders, status=0):
        return self.end(self.start(*orders), status)

    def outbox(self):
        with sqlite3.connect(self.path('journal.db')) as db:
            columns = [row[1] for row in db.execute('PRAGMA table_info(outbox)')]
            return [dict(zip(columns, row)) for row in db.execute('SELECT * FROM outbox')]

    def close(self):
        shutil.rmtree(self.dir)


def equal(found, wanted, what):
    assert found == wanted, f'{what}: {found!r}, wanted {wanted!r}'


def until(what, condition, limit=30):
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, f'{what}: not within {limit} s'
        time.sleep(0.02)


def to(mails):
    return sorted(address for address, _ in mails)


def parts(mail):
    """Both parts as text; the message must be sound all through."""
    equal(mail.defects, [], 'defects')
    equal(mail.get_content_type(), 'multipart/alternative', 'type')
    both = list(mail.iter_parts())
    equal([p.get_content_type() for p in both], ['text/plain', 'text/html'], 'parts')
    assert not any(p.defects for p in both), 'defects of a part'
    return both[0].get_content(), both[1].get_content()


def two_projects(sim, **more):
    one, two = sim.projects['project-1'], sim.projects['project-2']
    base = {'row': 'done', 'dest': 'compute-3', 'why': 'evacuated to compute-3', **more}
    return [{'uuid': '11111111-0000-4000-8000-000000000001', 'name': HOSTILE, 'project': one, **base},
            {'uuid': '11111111-0000-4000-8000-000000000002', 'name': 'db-of-one', 'project': one, **base},
            {'uuid': '22222222-0000-4000-8000-000000000003', 'name': 'only-of-two', 'project': two, **base}]


def case_two_projects(sim, certs):
    """STARTTLS, login; each reader sees the own projects alone, whoever has both gets one mail, names change nothing but text"""
    box, bed = Mailbox(tls='starttls', folder=certs, login=True), Bed(sim)
    bed.config(box.port, 'starttls', os.path.join(certs, 'ca.pem'), login=True)
    stamps = {'suspect': 1700000000000, 'fencing': 1700000002000, 'evacuating': 1700000004000, 'recovered': 1700000009000}
    bed.facts(two_projects(sim), row='recovered', due=3, stamps=stamps)
    out = bed.run('recovered')
    assert 'told recovered' in out and out[-1] == 'idle ', out
    assert box.logins and all(ok for _, ok in box.logins), box.logins
    readers = ['auditor@example.com', 'mate-1@example.com', 'mate-2@example.com', 'owner-1@example.com', 'owner-2@example.com']
    equal(to(box.mails), sorted(ADMINS + readers), 'who is told')
    ids = set()
    for address, mail in box.mails:
        text, html = parts(mail)
        ids.add(mail['Message-ID'])
        equal(mail['X-Osha-Key'], f'test-1-1/recovered/0/{address}', 'key')
        equal(mail['Auto-Submitted'], 'auto-generated', 'header')
        equal(mail['In-Reply-To'], '<test-1-1@ctl.example.com>', 'thread')
        equal(mail['References'], '<test-1-1@ctl.example.com>', 'thread')
        assert mail['Date'].datetime and not mail['Bcc'] and not mail['Cc'], mail.items()
        assert '<script' not in html and '\x1b' not in text + html and '\u202e' not in text + html, html
        if '-2@' not in address:
            assert 'Grüße' in text and '&lt;script&gt;' in html and '<script>' in text, text
        if address in ADMINS:
            assert 'compute-1' in text and 'compute-3' in text and 'test-1-1' in text and 'power, by ipmi' in text, text
            continue
        assert 'compute-' not in mail.as_string() + text + html, f'{address} sees a host'
        equal('db-of-one' in text, '-2@' not in address, f'{address} sees project 1')
        equal('db-of-one' in html, '-2@' not in address, f'{address} sees project 1')
        equal('only-of-two' in text, '-1@' not in address, f'{address} sees project 2')
        equal('only-of-two' in html, '-1@' not in address, f'{address} sees project 2')
        equal(('project-1' in mail['Subject'], 'project-2' in mail['Subject']), ('-2@' not in address, '-1@' not in address), 'subject')
    equal(len(ids), len(box.mails), 'message ids')
    unreachable = [m for m in bed.outbox() if m['address'] == '']
    equal(len(unreachable), 1, 'people without an address')
    assert 'robot' in unreachable[0]['key'], unreachable
    equal(bed.run('recovered')[-1], 'idle ', 'again')
    equal(len(box.mails), len(ids), 'mails after telling again')
    box.close()
    return bed


def case_project_names(sim, certs):
    """administrators read the names of projects that were looked up for an earlier moment, with their ids"""
    box, bed = Mailbox(), Bed(sim)
    bed.config(box.port)
    facts = two_projects(sim)
    bed.facts(facts)
    bed.run('confirmed', 'recovered')
    texts = [parts(m)[0] for a, m in box.mails if a in ADMINS and m['X-Osha-Key'].split('/')[1] == 'recovered']
    equal(len(texts), len(ADMINS), 'letters of the end')
    for text in texts:
        for name in ('project-1', 'project-2'):
            assert f'Project {name} ({sim.projects[name]})' in text, text
    box.close()
    return bed


def case_before_the_list(sim, certs):
    """confirmed comes before the instances are listed: they are asked for, and the administrators do not wait for it"""
    box, bed = Mailbox(tls='implicit', folder=certs), Bed(sim)
    bed.config(box.port, 'implicit', os.path.join(certs, 'ca.pem'))
    bed.facts()
    sim.control('POST', 'fault', path='*/servers*', effect='status', status=503, count=3)
    bed.run('confirmed')
    equal(to(box.mails)[:1], ['auditor@example.com'], 'users')
    assert set(ADMINS) <= set(to(box.mails)) and 'owner-1@example.com' in to(box.mails), to(box.mails)
    equal(sorted(a for a, _ in box.mails[:2]), sorted(ADMINS), 'administrators come first')
    text, _ = parts(next(m for a, m in box.mails if a == 'owner-1@example.com'))
    assert 'now: down' in text and 'project-1' in text, text
    box.close()
    return bed


def case_wrong_ca(sim, certs):
    """a certificate of another authority gets neither login nor mail"""
    box, bed = Mailbox(tls='starttls', folder=certs, login=True), Bed(sim)
    bed.config(box.port, 'starttls', os.path.join(certs, 'other.pem'), login=True)
    bed.facts(two_projects(sim))
    bed.run('recovered')
    equal((box.mails, box.logins), ([], []), 'what an untrusted server got')
    assert 'certificate' in bed.log, bed.log
    equal({m['state'] for m in bed.outbox() if m['address']}, {QUEUED}, 'states')
    box.close()
    return bed


def case_login_refused(sim, certs):
    """a wrong password is the operator's to mend: the mails wait"""
    box, bed = Mailbox(tls='starttls', folder=certs, login=True), Bed(sim)
    bed.config(box.port, 'starttls', os.path.join(certs, 'ca.pem'), login=True)
    with open(bed.path('password'), 'w', encoding='ascii') as file:
        file.write('another\n')
    bed.facts(two_projects(sim))
    bed.run('recovered')
    equal(box.mails, [], 'mails')
    assert '535' in bed.log, bed.log
    equal({m['state'] for m in bed.outbox() if m['address']}, {QUEUED}, 'states')
    box.close()
    return bed


def case_trouble(sim, certs):
    """451 and then accepted; 550 for one; one that hangs keeps nobody waiting"""
    box, bed = Mailbox(), Bed(sim)
    box.temporary, box.refused, box.hanging = 3, {'mate-1@example.com'}, {'owner-1@example.com'}
    bed.config(box.port)
    bed.facts(two_projects(sim))
    process = bed.start('recovered', 'stay')
    until('mails', lambda: len(box.mails) == 5)
    until('refusal', lambda: any(m['key'].endswith('/mate-1@example.com') and '550' in m['last_error'] for m in bed.outbox()))
    equal(to(box.mails), sorted(ADMINS + ['auditor@example.com', 'mate-2@example.com', 'owner-2@example.com']), 'who is told')
    until('hanging one is tried again', lambda: any(m['key'].endswith('/owner-1@example.com') and m['attempts'] > 0 for m in bed.outbox()))
    box.hanging.clear()
    until('hanging one', lambda: 'owner-1@example.com' in to(box.mails))
    process.kill()
    process.wait()
    equal(len(box.mails), len({m['X-Osha-Key'] for _, m in box.mails}), 'copies')
    box.close()
    return bed


def case_kill(sim, certs):
    """what waits in the outbox outlives kill -9 and goes out afterwards, each once"""
    bed, port = Bed(sim), free_port()
    bed.config(port)
    bed.facts(two_projects(sim))
    process = bed.start('recovered', 'stay')
    until('told', lambda: 'told recovered' in bed.read('out'))
    process.send_signal(signal.SIGKILL)
    process.wait()
    waiting = [m for m in bed.outbox() if m['address']]
    equal(len(waiting), 7, 'mails that wait')
    box = Mailbox(port)
    process = bed.start('stay')
    until('mails', lambda: {m['state'] for m in bed.outbox() if m['address']} == {SENT})
    process.kill()
    process.wait()
    equal(len(box.mails), 7, 'mails')
    bed.run('recovered')
    equal(len(box.mails), 7, 'mails after telling again')
    equal(len({m['Message-ID'] for _, m in box.mails}), 7, 'message ids')
    box.close()
    return bed


def case_keystone_away(sim, certs):
    """Keystone does not answer: administrators are told at once, of later moments too, and in the end who could not be"""
    box, bed = Mailbox(), Bed(sim)
    bed.config(box.port)
    bed.facts(two_projects(sim), row='recovered', due=3, told=0)
    sim.control('POST', 'fault', path='*role_assignments*', effect='status', status=503)
    process = bed.start('confirmed', 'recovered')
    until('administrators of both moments', lambda: len(box.mails) >= 4)
    equal(sorted({m['X-Osha-Moment'] for _, m in box.mails[:4]}), ['confirmed', 'recovered'], 'moments')
    assert 'told' not in bed.read('out'), bed.read('out')
    bed.end(process)
    sim.control('DELETE', 'faults')
    equal(set(to(box.mails)), set(ADMINS), 'who is told')
    lists = [m for _, m in box.mails if m['X-Osha-Moment'].endswith('-reach')]
    equal(len(lists), 4, 'lists of those who could not be told')
    assert all(project in parts(lists[0])[0] for project in (sim.projects['project-1'], sim.projects['project-2'])), parts(lists[0])[0]
    equal(len([m for m in bed.outbox() if not m['address']]), 4, 'undeliverable entries')
    box.close()
    return bed


def case_keystone_returns(sim, certs):
    """Keystone comes back in time: everybody is told after all"""
    box, bed = Mailbox(), Bed(sim)
    bed.config(box.port)
    bed.facts(two_projects(sim))
    sim.control('POST', 'fault', path='*role_assignments*', effect='status', status=503, count=4)
    bed.run('confirmed')
    sim.control('DELETE', 'faults')
    equal(len(box.mails), 7, 'mails')
    box.close()
    return bed


def case_held(sim, certs):
    """a hold before anything was confirmed concerns administrators only; one after it, the users too"""
    box, bed = Mailbox(), Bed(sim)
    bed.config(box.port)
    bed.facts(two_projects(sim), row='held', hold='mass-failure', due=4, held_n=1)
    bed.run('held')
    equal(to(box.mails), sorted(ADMINS), 'who is told of a mass failure')
    assert 'mass-failure' in box.mails[0][1]['Subject'], box.mails[0][1]['Subject']
    rows = two_projects(sim, row='held', why='No valid host was found for compute-1', dest='')
    bed.facts(rows, id='test-1-2', row='held', hold='instances', due=5, held_n=2)
    bed.run('held')
    mine = [m for _, m in box.mails if m['X-Osha-Key'].startswith('test-1-2/held/2/')]
    equal(len(mine), 7, 'who is told of instances without a place')
    for mail in mine:
        text, html = parts(mail)
        is_admin = mail['To'].addresses[0].addr_spec in ADMINS
        equal('No valid host' in text, is_admin, 'the cloud\'s own reason')
        equal('No valid host' in html, is_admin, 'the cloud\'s own reason')
    box.close()
    return bed


def case_alerts(sim, certs):
    """alerts: once an hour and key, through the outbox; directly when the journal is broken"""
    box, bed = Mailbox(), Bed(sim)
    bed.config(box.port)
    bed.facts()
    bed.run('alert:degraded/compute 1:it answers, but nova-compute does not', 'alert:degraded/compute 1:again')
    equal(to(box.mails), sorted(ADMINS), 'who is told')
    assert 'it answers' in parts(box.mails[0][1])[0], parts(box.mails[0][1])[0]
    bed.run('alert:degraded/compute 1:after a restart')
    equal(len(box.mails), 2, 'mails after a restart')
    process = bed.start('break-store', 'alert:store:the journal refuses records', 'alert:store:again', 'alert:other:text', 'stay')
    until('alerts past the outbox', lambda: len(box.mails) == 6)
    process.kill()
    process.wait()
    equal(sorted(m['X-Osha-Key'].split('/')[0] for _, m in box.mails[2:]), ['other', 'other', 'store', 'store'], 'keys')
    box.close()
    return bed


def case_templates(sim, certs):
    """an operator's templates, and a wrong one"""
    box, bed = Mailbox(), Bed(sim)
    os.mkdir(bed.path('mine'))
    bed.config(box.port, templates=bed.path('mine'))
    bed.facts(two_projects(sim))
    with open(bed.path('mine/user-recovered.txt'), 'w', encoding='utf-8') as file:
        file.write('Subject: Wieder da: {{project_names}}\n\nGruß {{person}}\n{{#projects}}\n{{#instances}}\n* {{name}}\n{{/instances}}\n{{/projects}}\n')
    bed.run('recovered')
    mail = next(m for a, m in box.mails if a == 'owner-2@example.com')
    equal(mail['Subject'], 'Wieder da: project-2', 'subject')
    assert '* only-of-two' in parts(mail)[0] and 'Project project-2' in parts(mail)[1], mail.as_string()
    with open(bed.path('mine/admin-held.html'), 'w', encoding='utf-8') as file:
        file.write('<p>\n{{hots}}\n')
    with open(bed.path('mine/user-held.txt'), 'w', encoding='utf-8') as file:
        file.write('Subject: x\n\n{{#projects}}\n{{host}}\n{{/projects}}\n')
    out = bed.run('recovered', status=2)
    assert any(f'{bed.path("mine")}/admin-held.html:2' in line and '{{hots}}' in line for line in out), out
    assert any(f'{bed.path("mine")}/user-held.txt:4' in line and '{{host}}' in line for line in out), out
    box.close()
    return bed


def main():
    sim, certs, passed, failed = Sim(), tempfile.mkdtemp(prefix='osha-tell-'), 0, 0
    make_certs(certs)
    cases = (case_two_projects, case_project_names, case_before_the_list, case_wrong_ca, case_login_refused, case_trouble, case_kill, case_keystone_away,
             case_keystone_returns, case_held, case_alerts, case_templates)
    for case in cases:
        if sys.argv[3:] and case.__name__ not in sys.argv[3:]:
            continue
        begin = time.monotonic()
        try:
            sim.control('DELETE', 'faults')
            case(sim, certs).close()
            passed += 1
            print(f'ok: {case.__doc__} ({time.monotonic() - begin:.1f} s)', flush=True)
        except AssertionError as why:
            failed += 1
            print(f'FAILED: {case.__name__}: {why}', flush=True)
    sim.close()
    shutil.rmtree(certs)
    print(f'{passed} passed, {failed} failed, 0 skipped')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""osha-cloudsim as a whole: the contract suite against it, then what only a simulated cloud can do. Argument: the build directory."""
import email.message
import json
import os
import re
import shutil
import smtplib
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))


class Sim:
    """One running osha-cloudsim; a context manager."""

    def __init__(self, build, *options):
        self.build = build
        self.dir = tempfile.mkdtemp(prefix='osha-test-')
        self.process = subprocess.Popen([os.path.join(build, 'osha-cloudsim'), '--dir', self.dir, *options], stdout=subprocess.PIPE)
        line = self.process.stdout.readline()
        assert line, 'osha-cloudsim did not start'
        self.ready = json.loads(line)
        self.token = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        status = self.process.wait(30)
        self.process.stdout.close()
        shutil.rmtree(self.dir)
        assert status == 0, f'osha-cloudsim ended with {status}'

    def control(self, method, order, body=None):
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.ready['control']}/{order}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.loads(reply.read())

    def post(self, order, **body):
        return self.control('POST', order, body)

    def log_in(self):
        user = {'name': 'admin', 'domain': {'id': 'default'}, 'password': 'sim-admin-password'}
        body = {'auth': {'identity': {'methods': ['password'], 'password': {'user': user}}, 'scope': {'project': {'name': 'admin', 'domain': {'id': 'default'}}}}}
        request = urllib.request.Request(self.ready['auth_url'] + '/auth/tokens', data=json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=30) as reply:
            self.token = reply.headers['X-Subject-Token']

    def raw(self, path, wait=10.0):
        """Status line and everything else that came until the connection ended or @wait seconds of silence passed."""
        host, port = self.ready['url'].split('//')[1].split(':')
        with socket.create_connection((host, int(port)), 5) as s:
            s.settimeout(wait)
            s.sendall(f'GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Auth-Token: {self.token}\r\n'
                      'OpenStack-API-Version: compute 2.90\r\n\r\n'.encode())
            got = b''
            try:
                while len(got) < 1 << 20:
                    part = s.recv(65536)
                    if not part:
                        return got, 'ended'
                    got += part
            except socket.timeout:
                return got, 'silent'
            return got, 'endless'

    def tcp(self, address, wait=0.5):
        try:
            socket.create_connection((address, self.ready['machine_port']), wait).close()
            return 'alive'
        except socket.timeout:
            return 'silent'
        except ConnectionRefusedError:
            return 'refused'


def equal(found, wanted, what):
    assert found == wanted, f'{what}: {found!r}, wanted {wanted!r}'


def until(what, condition, limit=20):
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, f'{what}: not within {limit} s'
        time.sleep(0.02)


def case_faults(sim):
    """each fault does to an answer what it says"""
    path = '/v2.1/os-services?binary=nova-compute'
    sim.log_in()
    whole = sim.raw(path)[0]
    assert whole.startswith(b'HTTP/1.1 200'), whole[:60]
    body = whole.split(b'\r\n\r\n', 1)[1]

    def hit(**fault):
        sim.post('fault', path='*os-services*', count=1, **fault)
        return sim.raw(path, 0.4 if fault['effect'] in ('hang', 'delay', 'late') else 10)

    for status in (401, 403, 404, 409, 413, 429, 500, 503):
        got, _ = hit(effect='status', status=status, retry_after_s=7)
        assert got.startswith(f'HTTP/1.1 {status} '.encode()) and b'Retry-After: 7' in got, got[:80]
    equal(hit(effect='lost'), (b'', 'ended'), 'lost')
    equal(hit(effect='drop'), (b'', 'ended'), 'drop')
    got, _ = hit(effect='cut')
    assert body.startswith(got.split(b'\r\n\r\n', 1)[1]) and len(got) < len(whole), 'cut'
    equal(hit(effect='endless')[1], 'endless', 'endless')
    assert b'not JSON' in hit(effect='garbage')[0], 'garbage'
    got, _ = hit(effect='redirect')
    assert got.startswith(b'HTTP/1.1 302') and b'Location: ' in got, 'redirect'
    equal(hit(effect='hang'), (b'', 'silent'), 'hang')
    equal(hit(effect='delay', delay_ms=5000), (b'', 'silent'), 'delay')
    equal(hit(effect='late', delay_ms=5000), (b'', 'silent'), 'late')
    sim.post('fault', path='*binary=nova-scheduler', effect='drip')
    begin = time.monotonic()
    got, _ = sim.raw('/v2.1/os-services?binary=nova-scheduler')
    assert json.loads(got.split(b'\r\n\r\n', 1)[1])['services'] and time.monotonic() - begin > 1, 'drip'
    sim.control('DELETE', 'faults')
    assert sim.raw(path)[0].split(b'\r\n\r\n', 1)[1], 'whole again'


def case_port_refuses(sim):
    """the cloud's port can refuse connects for a while"""
    sim.post('api', state='refuse', for_ms=400)

    def refused():
        try:
            sim.raw('/', 1)
            return False
        except ConnectionResetError:  # it was in the queue of the port when that closed
            return False
        except ConnectionRefusedError:
            return True

    until('refused', refused)
    until('back', lambda: not refused())


def case_machines(sim):
    """a machine answers while it has power and is silent, not refusing, while it has none"""
    host = sim.ready['hosts'][0]
    for _ in range(20):
        equal(sim.tcp(host['address']), 'alive', 'on')
        sim.post('power', host=host['name'], state='off')
        equal(sim.tcp(host['address'], 0.05), 'silent', 'off')
        equal(sim.tcp(host['address'], 0.05), 'silent', 'off, second probe')
        sim.post('power', host=host['name'], state='on')
    equal(sim.tcp(sim.ready['hosts'][1]['address']), 'alive', 'its neighbour')
    sim.post('compute', host=host['name'], state='down')
    equal(sim.tcp(host['address']), 'alive', 'nova-compute alone is down')


def fence(sim, **keys):
    """exit status of fence_cloudsim"""
    port = re.search(r':(\d+)/', sim.ready['control']).group(1)
    text = ''.join(f'{k}={v}\n' for k, v in {'ip': '127.0.0.1', 'ipport': port, **keys}.items())
    return subprocess.run([os.path.join(sim.build, 'fence_cloudsim')], input=text.encode(), stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False).returncode


def case_fence_agent(sim):
    """fence_cloudsim is a fence agent"""
    host = sim.ready['hosts'][1]['name']
    equal(fence(sim, action='status', plug=host), 0, 'on')
    equal(fence(sim, action='off', plug=host), 0, 'off')
    equal(fence(sim, action='status', plug=host), 2, 'is off')
    equal(fence(sim, action='monitor', plug=host), 0, 'monitor')
    equal(fence(sim, action='off', plug='nobody'), 1, 'unknown host')
    equal(fence(sim, action='on', plug=host), 0, 'on again')
    equal(fence(sim, action='status', plug=host), 0, 'is on')


def ipmi(sim, host, *words):
    command = ['ipmitool', '-I', 'lanplus', '-C', '17', '-N', '1', '-R', '1', '-H', host['bmc'], '-p', str(sim.ready['bmc_port']), '-U',
               sim.ready['bmc_user'], '-E', 'chassis', 'power', *words]
    done = subprocess.run(command, env={**os.environ, 'IPMI_PASSWORD': sim.ready['bmc_password']}, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout.decode()


def case_bmc(sim):
    """a BMC cuts its machine's power; it can be dead, deaf to orders, or cabled to another host"""
    if not shutil.which('ipmitool'):
        return 'no ipmitool'
    host, other = sim.ready['hosts'][2:4]
    equal(ipmi(sim, host, 'status'), (0, 'Chassis Power is on\n'), 'on')
    equal(ipmi(sim, host, 'off')[0], 0, 'off')
    until('off', lambda: ipmi(sim, host, 'status')[1] == 'Chassis Power is off\n')
    equal(sim.tcp(host['address'], 0.05), 'silent', 'machine')
    equal(ipmi(sim, host, 'on')[0], 0, 'on')
    sim.post('bmc', host=host['name'], faults='stays-on')
    ipmi(sim, host, 'off')
    equal(ipmi(sim, host, 'status'), (0, 'Chassis Power is on\n'), 'deaf to orders')
    sim.post('bmc', host=host['name'], faults='none', plug=other['name'])
    ipmi(sim, host, 'off')
    equal((sim.tcp(host['address']), sim.tcp(other['address'], 0.05)), ('alive', 'silent'), 'cabled to the other one')
    sim.post('bmc', host=host['name'], faults='dead')
    assert ipmi(sim, host, 'status')[0] != 0, 'dead'
    return None


def case_mail(sim):
    """mails are kept with their envelope and decoded headers, and refused on demand"""
    mail = email.message.EmailMessage()
    mail['Subject'] = 'Größe von compute-1 \u2014 wieder da'
    mail['From'], mail['To'] = 'osha@example.com', 'owner-1@example.com'
    mail.set_content('a\n.\n..b\n')

    def send(rcpt='owner-1@example.com'):
        with smtplib.SMTP('127.0.0.1', sim.ready['mail']['port'], timeout=10) as s:
            return s.send_message(mail, to_addrs=[rcpt, 'second@example.com'])

    equal(send(), {}, 'refused recipients')
    kept = sim.control('GET', 'mails')['mails'][0]
    equal((kept['from'], kept['to'], kept['headers']['subject']),
          ('osha@example.com', ['owner-1@example.com', 'second@example.com'], mail['Subject']), 'kept')
    with open(os.path.join(sim.ready['mail']['dir'], kept['file']), 'rb') as f:
        assert f.read().endswith(b'\r\n\r\na\r\n.\r\n..b\r\n'), 'dots'
    sim.post('mail', rcpt='nobody@example.com', rcpt_code=550)
    equal(list(send('nobody@example.com')), ['nobody@example.com'], 'refused recipients')
    sim.post('mail', reject_data=451, count=1)
    try:
        send()
        raise AssertionError('451 was not given')
    except smtplib.SMTPDataError as why:
        equal(why.smtp_code, 451, 'code')
    equal(send(), {}, 'after one refusal')


def case_mail_login(build):
    """with a login set, mail without it is refused"""
    with Sim(build, '--mail-user', 'osha', '--mail-password', 'sim-mail-password') as sim:
        with smtplib.SMTP('127.0.0.1', sim.ready['mail']['port'], timeout=10) as s:
            equal(s.mail('a@example.com')[0], 530, 'without')
            s.login('osha', 'sim-mail-password')
            equal(s.mail('a@example.com')[0], 250, 'with')
        with smtplib.SMTP('127.0.0.1', sim.ready['mail']['port'], timeout=10) as s:
            try:
                s.login('osha', 'wrong')
                raise AssertionError('a wrong password was taken')
            except smtplib.SMTPAuthenticationError:
                pass


def case_tls(build):
    """with a certificate it serves TLS, and who does not trust it does not connect"""
    with tempfile.TemporaryDirectory() as d:
        cert, key = os.path.join(d, 'cert'), os.path.join(d, 'key')
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj',
                        '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert], check=True,
                       stderr=subprocess.DEVNULL)
        with Sim(build, '--tls-cert', cert, '--tls-key', key) as sim:
            with urllib.request.urlopen(sim.ready['url'], context=ssl.create_default_context(cafile=cert), timeout=10) as reply:
                equal(reply.status, 200, 'trusted')
            try:
                urllib.request.urlopen(sim.ready['url'], timeout=10)
                raise AssertionError('an unknown certificate was trusted')
            except urllib.error.URLError as why:
                assert 'CERTIFICATE_VERIFY_FAILED' in str(why), why


def contract(build):
    """(passed, failed, skipped) of the contract suite"""
    with Sim(build) as sim:
        port = re.search(r':(\d+)/', sim.ready['control']).group(1)
        agent = os.path.join(sim.dir, 'switch')
        with open(agent, 'w', encoding='utf-8') as f:
            f.write(f'#!/bin/sh\nprintf "action=%s\\nip=127.0.0.1\\nipport={port}\\nplug=%s\\n" "$1" "$2" | {build}/fence_cloudsim\n')
        os.chmod(agent, 0o755)
        done = subprocess.run(['/usr/bin/python3', os.path.join(ROOT, 'test/contract/contract.py'), '--auth-url', sim.ready['auth_url'],
                               '--user', 'admin', '--project', 'admin', '--host', 'compute-1', '--off', agent + ' off {host}', '--on',
                               agent + ' on {host}', '--samples', os.path.join(ROOT, 'test/golden/nova')],
                              env={**os.environ, 'OS_PASSWORD': 'sim-admin-password'}, stdout=subprocess.PIPE, check=False)
        text = done.stdout.decode()
        sys.stdout.write(text)
        equal(sim.control('GET', 'dual')['seen'], 0, 'guests seen on two hosts')
        return tuple(int(n) for n in re.findall(r'^(\d+) passed, (\d+) failed, (\d+) skipped$', text, re.M)[-1])


def main():
    build = os.path.abspath(sys.argv[1])
    passed, failed, skipped = contract(build)
    for case in (case_faults, case_port_refuses, case_machines, case_fence_agent, case_bmc, case_mail, case_mail_login, case_tls):
        try:
            if case in (case_mail_login, case_tls):
                why = case(build)
            else:
                with Sim(build) as sim:
                    why = case(sim)
            passed, skipped = passed + (why is None), skipped + (why is not None)
            print(f'{"ok     " if why is None else "skipped"} {case.__doc__}{": " + why if why else ""}')
        except (AssertionError, OSError, smtplib.SMTPException, subprocess.CalledProcessError) as why:
            failed += 1
            print(f'FAILED  {case.__doc__}: {type(why).__name__}: {why}')
    print(f'{passed} passed, {failed} failed, {skipped} skipped')
    return failed > 0


if __name__ == '__main__':
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""A cloud look-alike and a daemon beside it, on loopback with directories of their own. Every wait is for a condition, with a bound."""
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
BUILD = os.environ.get('OSHA_BUILD', os.path.join(ROOT, 'build'))
LIMIT = 40  # seconds, of a single wait

SIM = {'hosts': 4, 'instances': 8, 'projects': 2, 'service-down-ms': 2000, 'report-interval-ms': 300, 'boot-ms': 300, 'compute-start-ms': 200,
       'schedule-ms': '20..60', 'rebuild-ms': '100..300', 'gap-ms': '20..60', 'disable-wait-ms': 500}

CONFIG = """\
cloud: {{name: {cloud}, clouds-file: {clouds}}}
state-dir: {dir}/state
socket: {dir}/osha.sock
monitors:
  nova: {{interval: 200ms, timeout: 3s, fresh: 6s}}
  probe: {{address: "", port: {machine_port}, interval: 200ms, timeout: 300ms, fresh: 3s}}
verdict: {{service-down-time: 2s, recheck-after: 300ms, confirm-timeout: 3s, degraded-after: {degraded}}}
recovery: {{hold-retry: {hold_retry}, retry-first: 100ms, retry-max: 1s, return-timeout: 20s}}
fencing: {{agent-path: [{build}, /usr/sbin], status-timeout: {status_timeout}, status-attempts: 3, power-poll: 1s}}
evacuation: {{poll: 50ms, settle: 1s, stuck-after: 20s}}
segments:
  - name: all
    hosts: ["*"]
    mode: {mode}
    fencing:
      - name: device
        agent: {agent}
        timeout: {off_timeout}
        parameters: {{{parameters}}}
hosts:
{hosts}"""

AGENTS = {
    'fence_cloudsim': 'ip: 127.0.0.1, ipport: "{control_port}", plug: "{{host}}"',
    'fence_dummy': 'type: file, status_file: "{dir}/{{host}}.power"',
    'fence_ipmilan': 'ip: "{{host}}-bmc", ipport: "{bmc_port}", username: admin, password: {{inline: sim-bmc-password}}, lanplus: "1", '
                     'power_wait: "0", power_timeout: "10"',
    'fence_osha_ipmi': 'ip: "{{host}}-bmc", ipport: "{bmc_port}", username: admin, password: {{inline: sim-bmc-password}}, login_timeout: "2"',
}


class Skip(Exception):
    """What the case needs is not on this machine."""


def until(what, condition, limit=LIMIT):
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f'{what}: not within {limit} s'
        time.sleep(0.03)


class Daemon:
    """One run of oshad. Lines of its log are kept as they come."""

    def __init__(self, bed, *arguments):
        self.lines = []
        self.arrived = threading.Condition()
        self.process = subprocess.Popen([os.path.join(BUILD, 'oshad'), '--config', bed.config, *arguments], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=bed.environment)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stderr:
            with self.arrived:
                self.lines.append(line.rstrip('\n'))
                self.arrived.notify_all()

    def log(self):
        with self.arrived:
            return '\n'.join(self.lines)

    def sees(self, pattern):
        return re.search(pattern, self.log())

    def wait(self, pattern, limit=LIMIT):
        end = time.monotonic() + limit
        with self.arrived:
            while not any(re.search(pattern, line) for line in self.lines):
                left = end - time.monotonic()
                assert left > 0, f'no line like "{pattern}" within {limit} s'
                assert self.process.poll() is None or not self.arrived.wait(0.5), f'oshad ended with {self.process.poll()} before "{pattern}"'
                self.arrived.wait(min(left, 0.2))

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.reader.join()

    def end(self, limit=LIMIT):
        """Exit status and standard output of a run that ends by itself."""
        self.process.wait(limit)
        out = self.process.stdout.read()
        self.reader.join(5)
        return self.process.returncode, out

    def stop(self, limit=15):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(limit)
        self.reader.join()
        return self.process.returncode


class Bed:
    def __init__(self, agent='fence_cloudsim', sim=None, **config):
        self.dir = tempfile.mkdtemp(prefix='osha-daemon-')
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith('OS_')}
        self.daemons = []
        options = []
        for name, value in {**SIM, **(sim or {})}.items():
            options += ['--' + name, str(value)]
        self.sim = subprocess.Popen([os.path.join(BUILD, 'osha-cloudsim'), '--dir', self.dir + '/sim', *options], stdout=subprocess.PIPE)
        line = self.sim.stdout.readline()
        assert line, 'osha-cloudsim did not start'
        self.ready = json.loads(line)
        self.control_port = self.ready['control'].split(':')[2].split('/')[0]
        self.hosts = [h['name'] for h in self.ready['hosts']]
        self.config = self.dir + '/osha.yaml'
        self.agent = agent
        self.configure(**config)

    def configure(self, append='', **changes):
        values = {'agent': self.agent, 'cloud': 'cloudsim', 'clouds': self.ready['clouds_yaml'], 'dir': self.dir, 'build': BUILD,
                  'machine_port': self.ready['machine_port'], 'hold_retry': '2s', 'degraded': '1s', 'status_timeout': '3s', 'off_timeout': '5s',
                  'mode': 'automatic', 'control_port': self.control_port, 'bmc_port': self.ready['bmc_port']}
        values.update(changes)
        values['parameters'] = changes.get('parameters') or AGENTS[self.agent].format(**values)
        hosts = ''
        for host in self.ready['hosts']:
            hosts += f"  {host['name']}:\n    address: {host['address']}\n"
            if self.agent in ('fence_osha_ipmi', 'fence_ipmilan'):
                hosts += f"    parameters: {{device: {{ip: {host['bmc']}}}}}\n"
        values['hosts'] = changes.get('hosts_text', hosts)
        with open(self.config, 'w', encoding='utf-8') as f:
            f.write(CONFIG.format(**values) + append)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for daemon in self.daemons:
            if daemon.process.poll() is None:
                daemon.kill()
        if kind:
            for k, daemon in enumerate(self.daemons):
                print(f'--- log of oshad {k + 1}\n{daemon.log()}', flush=True)
        self.sim.terminate()
        self.sim.wait(20)
        self.sim.stdout.close()
        try:
            if not kind:
                self.replay()
        finally:
            shutil.rmtree(self.dir)

    def replay(self):
        """What the daemons of this case recorded: the engine decides the same once more. A dry run records nothing."""
        recorded = self.dir + '/state/flight.jsonl'
        if not os.path.exists(recorded):
            return
        run = subprocess.run([os.path.join(BUILD, 'osha-sim'), '--replay', recorded, '--json'], capture_output=True, text=True, timeout=LIMIT, check=False)
        end = json.loads(run.stdout.splitlines()[-1]) if run.stdout else {'stderr': run.stderr}
        may_be_cut = 'flight recorder: lines were lost' in self.all_logs()  # where no file may grow
        if run.returncode or (end['cut'] and not may_be_cut) or end['headless_lines'] or not end['events']:
            kept = tempfile.mkdtemp(prefix='osha-replay-')
            shutil.copy(recorded, kept)
            raise AssertionError(f'the replay of {kept}/flight.jsonl: {end}')

    # --- the cloud ---
    def control(self, method, order, body=None):
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.ready['control']}/{order}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=20) as reply:
            return json.loads(reply.read())

    def post(self, order, **body):
        return self.control('POST', order, body)

    def power(self, host, state='off'):
        self.post('power', host=host, state=state)

    def power_of(self, host):
        return next(h['power'] for h in self.control('GET', 'state?instances=0')['hosts'] if h['name'] == host)

    def instances(self, host=None):
        return [i for i in self.control('GET', 'state')['instances'] if host in (None, i['host'])]

    def nova(self, method, path, body=None):
        user = {'name': 'admin', 'domain': {'id': 'default'}, 'password': 'sim-admin-password'}
        scope = {'project': {'name': 'admin', 'domain': {'id': 'default'}}}
        login = {'auth': {'identity': {'methods': ['password'], 'password': {'user': user}}, 'scope': scope}}
        request = urllib.request.Request(self.ready['auth_url'] + '/auth/tokens', data=json.dumps(login).encode())
        with urllib.request.urlopen(request, timeout=20) as reply:
            token = reply.headers['X-Subject-Token']
        headers = {'X-Auth-Token': token, 'OpenStack-API-Version': 'compute 2.90', 'Content-Type': 'application/json'}
        request = urllib.request.Request(self.ready['url'] + '/v2.1' + path, data=json.dumps(body).encode() if body else None, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=20) as reply:
            return json.loads(reply.read() or b'null')

    def service(self, host):
        return next(s for s in self.nova('GET', '/os-services?binary=nova-compute')['services'] if s['host'] == host)

    def changes(self):
        """Requests that changed the cloud, tokens left out."""
        return [r for r in self.control('GET', 'log')['requests'] if r['method'] not in ('GET', 'HEAD') and 'auth/tokens' not in r['target']]

    # --- the daemon ---
    def start(self, *arguments):
        daemon = Daemon(self, *arguments)
        self.daemons.append(daemon)
        return daemon

    def once(self, *arguments):
        daemon = self.start('--once', *arguments)
        status, out = daemon.end()
        return status, out, daemon

    def learn(self):
        """Let a pass read every fence device while all hosts live."""
        status, out, _ = self.once()
        assert (status, out) == (0, 'No failed nodes\n'), (status, out)

    def down(self, host):
        until(f'nova calls {host} down', lambda: self.service(host)['state'] == 'down')

    def all_logs(self):
        return '\n'.join(d.log() for d in self.daemons)

    def osha(self, *arguments):
        """The operator's command; its exit status and what it printed."""
        run = subprocess.run([os.path.join(BUILD, 'osha'), '--config', self.config, *arguments], capture_output=True, text=True, timeout=LIMIT,
                             env=self.environment, check=False)
        return run.returncode, run.stdout + run.stderr

    def mail(self):
        """Configuration that tells by the look-alike's mail server."""
        return (f"notify: {{admins: [ops@example.com], retry-first: 200ms, email: {{server: {self.ready['mail']['host']}, "
                f"port: {self.ready['mail']['port']}, tls: none, from: osha@example.com}}}}\n")

    # --- what must hold ---
    def check_recovered(self, host, was):
        """@was: the instances that were on @host."""
        now = {i['uuid']: i for i in self.instances()}
        for i in was:
            assert now[i['uuid']]['host'] != host, f"{i['uuid']} is still on {host}"
            assert now[i['uuid']]['vm_state'] == i['vm_state'], now[i['uuid']]
        self.check_single()
        per = {}
        for s in self.stamps():
            per[s['instance']] = per.get(s['instance'], 0) + 1
        for i in was:
            assert per.get(i['uuid']) == 1, f"{i['uuid']} was evacuated {per.get(i['uuid'], 0)} times"

    def stamps(self):
        return self.control('GET', 'stamps')['stamps']

    def check_single(self):
        dual = self.control('GET', 'dual')
        assert dual['seen'] == 0 and dual['double_posts'] == 0, dual

    def check_untouched(self):
        """Nothing was fenced, nothing was changed."""
        assert not re.search(r'-> fencing', self.all_logs()), 'something was fenced'
        assert not self.stamps(), 'something was evacuated'

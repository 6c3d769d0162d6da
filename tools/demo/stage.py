# SPDX-License-Identifier: Apache-2.0
"""What the demonstration stands on: a cloud look-alike, a daemon beside it and a directory for both. Nothing here prints."""
import json
import os
import queue
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.request

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, 'build')
HOSTS, INSTANCES, PROJECTS = 4, 12, 2
SERVICE_DOWN_S = 3  # Nova's usual value is 60: the one thing that is faster here than in a real cloud, beside the rebuilds

SIM = {'hosts': HOSTS, 'instances': INSTANCES, 'projects': PROJECTS, 'report-interval-ms': 500, 'service-down-ms': SERVICE_DOWN_S * 1000,
       'schedule-ms': '50..150', 'rebuild-ms': '600..1500'}

# Every rule that keeps a recovery safe is in force; only clocks run faster, as the cloud's own do. What is not named has its default.
CONFIG = """\
cloud: {{name: {cloud}, clouds-file: {clouds}}}
state-dir: {state}
socket: {dir}/osha.sock
monitors:
  nova: {{interval: 500ms, timeout: 3s, fresh: 6s}}
  probe: {{kind: tcp, port: {machine_port}, interval: 500ms, timeout: 500ms, misses: 3}}
verdict: {{service-down-time: {service_down}s, recheck-after: 1s}}
fencing: {{agent-path: [{build}], power-poll: 1s}}
notify:
  admins: [ops@example.com]
  email: {{server: {mail_host}, port: {mail_port}, tls: none, from: osha@cloud.example}}
segments:
  - name: rack-1
    hosts: ["compute-*"]
    down-when: nova and probe
    fencing:
      - name: bmc
        agent: fence_osha_ipmi
        parameters: {{ip: "{{host}}-bmc.example", username: {bmc_user}, password: {{file: {dir}/bmc.password}}, ipport: "{bmc_port}"}}
hosts:
"""


class Trouble(Exception):
    """The demonstration cannot go on; its text says why."""


class Stage:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix='osha-demo-')
        self.running = []
        self.lines = queue.Queue()  # of the daemon's log; None at its end
        self.config = os.path.join(self.dir, 'osha.yaml')
        self.state_dir = os.path.join(self.dir, 'state')
        self.cloud = None
        self.daemon = None

    def start(self, program, *arguments, **how):
        # its own session, so that Ctrl-C reaches us alone and we end it; it is ended too should we be killed
        process = subprocess.Popen(['setpriv', '--pdeathsig', 'TERM', os.path.join(BUILD, program), *arguments], stdin=subprocess.DEVNULL,
                                   start_new_session=True, env={k: v for k, v in os.environ.items() if not k.startswith('OS_')}, **how)
        self.running.append((program, process))
        return process

    def start_cloud(self):
        options = [text for name, value in SIM.items() for text in ('--' + name, str(value))]
        process = self.start('osha-cloudsim', '--dir', self.dir + '/cloud', *options, stdout=subprocess.PIPE)
        line = process.stdout.readline()
        if not line:
            raise Trouble('osha-cloudsim did not start')
        self.cloud = json.loads(line)
        return process.pid

    def write_config(self):
        with open(self.dir + '/bmc.password', 'w', encoding='utf-8', opener=private) as f:
            f.write(self.cloud['bmc_password'] + '\n')
        values = {'dir': self.dir, 'state': self.state_dir, 'build': BUILD, 'service_down': SERVICE_DOWN_S, 'clouds': self.cloud['clouds_yaml'],
                  'mail_host': self.cloud['mail']['host'], 'mail_port': self.cloud['mail']['port'],
                  **{k: self.cloud[k] for k in ('cloud', 'machine_port', 'bmc_port', 'bmc_user')}}
        with open(self.config, 'w', encoding='utf-8') as f:
            f.write(CONFIG.format(**values))
            for host in self.cloud['hosts']:
                f.write(f"  {host['name']}: {{address: {host['address']}, parameters: {{bmc: {{ip: {host['bmc']}}}}}}}\n")

    def start_daemon(self):
        self.daemon = self.start('oshad', '--config', self.config, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors='replace')
        threading.Thread(target=self.read_log, daemon=True).start()
        return self.daemon.pid

    def read_log(self):
        with open(self.dir + '/oshad.log', 'w', encoding='utf-8') as copy:
            for line in self.daemon.stderr:
                copy.write(line)
                copy.flush()
                self.lines.put(line.rstrip('\n'))
        self.lines.put(None)

    def osha(self, *arguments, onto_terminal=False):
        """Run the operator's command. Returns its exit status, output and error output (None: they went onto the terminal)."""
        where = None if onto_terminal else subprocess.PIPE
        done = subprocess.run([os.path.join(BUILD, 'osha'), '--config', self.config, *arguments], stdin=subprocess.DEVNULL, stdout=where,
                              stderr=where, text=True, errors='replace', timeout=30)
        return done.returncode, done.stdout, done.stderr

    def ask(self, *arguments):
        """The answer of a reading command as JSON; {} while there is none."""
        status, out, _ = self.osha('--json', *arguments)
        return json.loads(out) if status == 0 else {}

    def replay(self):
        """What the daemon has recorded so far, decided once more by the engine: how many decisions were equal."""
        done = subprocess.run([os.path.join(BUILD, 'osha-sim'), '--replay', self.state_dir + '/flight.jsonl', '--json'], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, text=True, timeout=30)
        end = json.loads(done.stdout.splitlines()[-1]) if done.stdout else {}
        if done.returncode or end['cut'] or not end['decisions']:
            raise Trouble(f'the flight recorder does not replay to the same decisions: {end}')
        return end

    def control(self, method, order, body=None):
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.cloud['control']}/{order}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=20) as reply:
            return json.loads(reply.read())

    def end(self, keep):
        """End what was started, newest first, and remove the directory. Returns what did not end well, as sentences."""
        complaints = []
        for program, process in reversed(self.running):
            if process.poll() is None:
                process.terminate()
            try:
                if process.wait(10):
                    complaints.append(f'{program} ended with {process.returncode}')
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                complaints.append(f'{program} had to be killed')
        if not keep:
            shutil.rmtree(self.dir)
        return complaints


def private(path, flags):
    return os.open(path, flags, 0o600)


def until(what, condition, limit_s):
    """Wait for a condition to be true and return its value. Raises Trouble after limit_s seconds."""
    end = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Trouble(f'{what}: not within {limit_s} s')
        time.sleep(0.05)

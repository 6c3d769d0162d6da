# SPDX-License-Identifier: Apache-2.0
"""Where a rig keeps its things: folders below --dir, addresses and ports on loopback.

A rig owns one random /24 of 127.0.0.0/8, so that its services may use fixed ports and two rigs
live side by side. Starting things, and what they say to each other, is left to the other files.
"""
import json
import os
import random
import secrets
import socket

# name -> port on the control address NET.1
PORTS = {
    'mariadb': 3306, 'amqp': 5672, 'keystone': 5000, 'placement': 8778,
    'glance': 9292, 'neutron': 9696, 'neutron_ctl': 9697, 'nova': 8774, 'proxy': 8775,
    'proxy_ctl': 8776, 'smtp': 2525, 'smtp_starttls': 2587, 'smtp_tls': 2465,
}
PROBE_PORT = 2222
BMC_PORT = 6230
BMC_USER = 'admin'
DEFAULT_HOSTS = ('c1', 'c2', 'c3', 'c10')
PROFILES = {'fast': (2, 6), 'default': (10, 60)}
REGION = 'RegionOne'


def _is_free(address, port):
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((address, port))
        except OSError:
            return False
        return True


def _pick_net(host_count):
    for _ in range(200):
        net = '127.%d.%d' % (random.randint(16, 250), random.randint(1, 250))
        wanted = [(net + '.1', port) for port in PORTS.values()]
        wanted += [('%s.%d' % (net, 10 + i), PROBE_PORT) for i in range(host_count)]
        if all(_is_free(*pair) for pair in wanted):
            return net
    raise RuntimeError('no free /24 on loopback found')


def _pick_ports(address, count):
    socks = [socket.socket() for _ in range(count)]
    try:
        for sock in socks:
            sock.bind((address, 0))
        return [sock.getsockname()[1] for sock in socks]
    finally:
        for sock in socks:
            sock.close()


class Layout:
    """Names, paths and addresses of one rig; `facts` is what rig.json remembers."""

    def __init__(self, folder):
        self.dir = os.path.abspath(folder)
        with open(os.path.join(self.dir, 'rig.json'), encoding='utf-8') as stream:
            self.facts = json.load(stream)
        self.net = self.facts['net']
        self.hosts = list(self.facts['hosts'])
        self.control = self.net + '.1'

    @classmethod
    def create(cls, folder, hosts, report_s, down_s):
        """Make the folder and pick addresses; a folder that has a rig already is refused."""
        folder = os.path.abspath(folder)
        os.makedirs(folder, mode=0o755, exist_ok=True)
        path = os.path.join(folder, 'rig.json')
        if os.path.exists(path):
            raise RuntimeError('%s holds a rig already' % folder)
        if 'compute' in hosts or len(set(hosts)) != len(hosts) or not hosts or len(hosts) > 90:
            # nova's fake driver calls the node of a host named "compute" by another name
            raise RuntimeError('bad list of host names')
        # Erlang looks for both on 127.0.0.1, whatever addresses it listens on.
        epmd_port, dist_port = _pick_ports('127.0.0.1', 2)
        facts = {
            'net': _pick_net(len(hosts)), 'hosts': list(hosts), 'report_s': report_s,
            'down_s': down_s, 'epmd_port': epmd_port, 'dist_port': dist_port,
            'password': secrets.token_hex(8), 'bmc_password': secrets.token_hex(6),
        }
        with open(path, 'w', encoding='utf-8') as stream:
            json.dump(facts, stream, indent=1)
        layout = cls(folder)
        for sub in ('run', 'log', 'conf', 'mail', 'guests', 'hosts', 'wire'):
            os.makedirs(layout.path(sub), exist_ok=True)
        for host in hosts:
            for sub in (layout.guests(host), layout.host_dir(host, 'disks')):
                os.makedirs(sub, exist_ok=True)
        return layout

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def conf(self, *parts):
        return self.path('conf', *parts)

    def host_dir(self, host, *parts):
        return self.path('hosts', host, *parts)

    def guests(self, host):
        """Folder with one file for each guest that runs on this host."""
        return self.path('guests', host)

    def port(self, name):
        return PORTS[name]

    def url(self, name, path=''):
        return 'http://%s:%d%s' % (self.control, PORTS[name], path)

    def probe_address(self, host):
        """The host's own address, which answers TCP while its machine has power."""
        return '%s.%d' % (self.net, 10 + self.hosts.index(host))

    def bmc_address(self, host):
        return '%s.%d' % (self.net, 110 + self.hosts.index(host))

    def runtime(self):
        """What the services handed out: ids of image, flavor, projects, users."""
        return read_json(self.path('runtime.json'), {})

    @property
    def password(self):
        return self.facts['password']

    @property
    def bmc_password(self):
        return self.facts['bmc_password']

    @property
    def report_s(self):
        return self.facts['report_s']

    @property
    def down_s(self):
        return self.facts['down_s']

    def db_url(self, database):
        return 'mysql+pymysql://rig:%s@%s:%d/%s?charset=utf8' % (
            self.password, self.control, PORTS['mariadb'], database)

    def amqp_url(self):
        return 'rabbit://rig:%s@%s:%d/' % (self.password, self.control, PORTS['amqp'])


def write_file(path, text, mode=0o644):
    """Replace a file as a whole: readers see the old text or the new one."""
    temporary = '%s.%d.tmp' % (path, os.getpid())
    with open(temporary, 'w', encoding='utf-8') as stream:
        stream.write(text)
    os.chmod(temporary, mode)
    os.replace(temporary, path)


def read_json(path, default):
    try:
        with open(path, encoding='utf-8') as stream:
            return json.load(stream)
    except (FileNotFoundError, ValueError):
        return default

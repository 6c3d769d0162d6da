# SPDX-License-Identifier: Apache-2.0
"""The control plane of a rig: MariaDB, RabbitMQ, Keystone, Placement, Glance, Nova.

Makes schemas, starts each service by name and says when it answers. Their configuration is left
to confs.py, users and catalogue to tenants.py.
"""
import glob
import os
import socket
import subprocess
import sys

import confs
from rig_layout import write_file
from rig_process import PYTHON, Processes, clean_env, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
DATABASES = ('keystone', 'placement', 'glance', 'nova_api', 'nova_cell0', 'nova_cell1')
# Services a case may stop and start by name, in starting order.
SERVICES = ('mariadb', 'rabbit', 'keystone', 'placement', 'glance', 'neutron', 'conductor',
            'scheduler', 'api')


def _answers(address, port):
    try:
        with socket.create_connection((address, port), timeout=1):
            return True
    except OSError:
        return False


class ControlPlane:
    def __init__(self, layout):
        self.layout = layout
        self.processes = Processes(layout)

    # -- one-off commands --------------------------------------------------------------------
    def run_main(self, name, module, args):
        """Run a console script by its main(), since the packages with the scripts are absent."""
        code = 'import sys; from %s import main; sys.exit(main())' % module
        self.processes.run(name, [PYTHON, '-c', code] + args)

    # -- database ----------------------------------------------------------------------------
    def mariadb_install(self):
        data = self.layout.path('mariadb')
        self.processes.run('mariadb-install', [
            'mariadb-install-db', '--no-defaults', '--auth-root-authentication-method=normal',
            '--skip-test-db', '--user=root', '--datadir=' + data])

    def start_mariadb(self):
        layout = self.layout
        self.processes.start('mariadb', [
            'mariadbd', '--no-defaults', '--user=root', '--datadir=' + layout.path('mariadb'),
            '--socket=' + layout.path('run', 'mariadb.sock'), '--skip-log-bin',
            '--bind-address=' + layout.control, '--port=%d' % layout.port('mariadb'),
            '--skip-name-resolve', '--max-connections=400', '--innodb-buffer-pool-size=96M',
            '--performance-schema=OFF',
            # state of a test need not outlive the machine
            '--innodb-flush-log-at-trx-commit=0', '--innodb-doublewrite=0'])

    def mariadb_users(self):
        lines = ['create database %s character set utf8;' % name for name in DATABASES]
        # root@127.0.0.1 exists already, with no password: hence a user of our own
        lines.append("create user rig@'%%' identified by '%s';" % self.layout.password)
        lines.append("grant all on *.* to rig@'%';")
        self.processes.run('mariadb-users', [
            'mariadb', '--no-defaults', '-uroot',
            '--socket=' + self.layout.path('run', 'mariadb.sock')],
            stdin='\n'.join(lines).encode())

    def mariadb_ready(self):
        done = subprocess.run(
            ['mariadb', '--no-defaults', '-uroot', '-e', 'select 1',
             '--socket=' + self.layout.path('run', 'mariadb.sock')],
            env=clean_env(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        return done.returncode == 0

    # -- message bus -------------------------------------------------------------------------
    def _rabbit_env(self):
        layout = self.layout
        home = layout.path('rabbit')
        return clean_env(
            HOME=home, ERL_EPMD_PORT=str(layout.facts['epmd_port']),
            ERL_EPMD_ADDRESS=layout.control, RABBITMQ_NODENAME='rig@localhost',
            RABBITMQ_MNESIA_BASE=home + '/mnesia', RABBITMQ_LOG_BASE=home + '/log',
            RABBITMQ_CONFIG_FILE=home + '/rabbitmq', RABBITMQ_CONF_ENV_FILE='/dev/null',
            RABBITMQ_ENABLED_PLUGINS_FILE=home + '/enabled_plugins',
            RABBITMQ_DIST_PORT=str(layout.facts['dist_port']), RABBITMQ_PID_FILE=home + '/pid',
            # A stray epmd listens on every address and outlives everything: never start one.
            RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-start_epmd false +sbwt none +sbwtdcpu none '
            '+sbwtdio none -kernel inet_dist_use_interface {%s}' % layout.control.replace('.', ','))

    def rabbit_files(self):
        home = self.layout.path('rabbit')
        os.makedirs(home + '/log', exist_ok=True)
        write_file(home + '/enabled_plugins', '[].\n')
        write_file(home + '/rabbitmq.conf', '\n'.join([
            'listeners.tcp.1 = %s:%d' % (self.layout.control, self.layout.port('amqp')),
            'default_user = rig', 'default_pass = %s' % self.layout.password,
            'loopback_users = none', 'log.console = true', 'log.file = false',
            'log.console.level = warning', 'vm_memory_high_watermark.absolute = 1GB',
            'disk_free_limit.absolute = 50MB', '']), 0o600)

    def start_epmd(self):
        port = self.layout.facts['epmd_port']
        self.processes.start('epmd', ['epmd', '-address', self.layout.control,
                                      '-port', str(port)])
        wait_until(lambda: _answers('127.0.0.1', port), 10, 'epmd')

    def start_rabbit(self):
        if not self.processes.pid('epmd'):
            self.start_epmd()
        folder = glob.glob('/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin')
        self.processes.start('rabbit', [os.path.join(folder[0], 'rabbitmq-server')],
                             env=self._rabbit_env())

    # -- schemas -----------------------------------------------------------------------------
    def keystone_schema(self):
        layout = self.layout
        self.processes.run('keystone-schema', [
            PYTHON, os.path.join(HERE, 'schema_keystone.py'), layout.dir])

    def placement_schema(self):
        self.run_main('placement-schema', 'placement.cmd.manage', [
            '--config-file', self.layout.conf('placement', 'placement.conf'), 'db', 'sync'])

    def glance_schema(self):
        self.run_main('glance-schema', 'glance.cmd.manage', [
            '--config-file', self.layout.conf('glance', 'glance-api.conf'), 'db', 'sync'])

    def nova_schema(self):
        self.processes.run('nova-schema', [PYTHON, os.path.join(HERE, 'schema_nova.py'), self.layout.dir])

    # -- services ----------------------------------------------------------------------------
    def _start_wsgi(self, name, app, env):
        layout = self.layout
        self.processes.start(name, [
            'uwsgi_python3', '--http-socket', '%s:%d' % (layout.control, layout.port(name)),
            '--wsgi', app, '--processes', '1', '--threads', '6', '--need-app', '--die-on-term',
            '--buffer-size', '65535', '--thunder-lock', '--lazy-apps', '--disable-logging',
            '--add-header', 'Connection: close', '--listen', '100'], env=clean_env(**env))

    def start_keystone(self):
        self._start_wsgi('keystone', 'keystone.server.wsgi:initialize_public_application()',
                         {'OS_KEYSTONE_CONFIG_DIR': self.layout.conf('keystone')})

    def start_placement(self):
        self._start_wsgi('placement', 'placement.wsgi:init_application()',
                         {'OS_PLACEMENT_CONFIG_DIR': self.layout.conf('placement')})

    def start_glance(self):
        self._start_wsgi('glance', 'glance.common.wsgi_app:init_app()',
                         {'OS_GLANCE_CONFIG_DIR': self.layout.conf('glance')})

    def _start_nova(self, name, module, extra=()):
        layout = self.layout
        code = ('import sys; sys.argv[0] = "nova-%s"; from nova.cmd.%s import main; '
                'sys.exit(main())' % (name, module))
        self.processes.start(name, [
            PYTHON, '-c', code, '--config-file', layout.conf('nova.conf'),
            '--config-file', layout.conf('nova-db.conf')] + list(extra))

    def start_conductor(self):
        self._start_nova('conductor', 'conductor')

    def start_scheduler(self):
        self._start_nova('scheduler', 'scheduler')

    def start_api(self):
        self._start_nova('api', 'api_os_compute')

    def start_impatient_api(self):
        self._start_nova('api', 'api_os_compute',
                         ['--config-file', self.layout.conf('nova-impatient.conf')])

    def start_extra_scheduler(self, host):
        """One more nova service under a compute host's name, as hosts with many services have."""
        path = self.layout.conf('extra-%s.conf' % host)
        write_file(path, '[DEFAULT]\nhost = %s\n' % host)
        self._start_nova('scheduler-' + host, 'scheduler', ['--config-file', path])

    def _start_script(self, name, script):
        self.processes.start(name, [PYTHON, os.path.join(HERE, script), self.layout.dir])

    def start_neutron(self):
        self._start_script('neutron', 'neutron_stub.py')

    def start_proxy(self):
        self._start_script('proxy', 'fault_proxy.py')

    def start_wire(self):
        self._start_script('wire', 'wire.py')
        wait_until(lambda: os.path.exists(self.layout.path('wire', 'control')), 10, 'wire')

    def start_mail(self):
        self._start_script('mail', 'mail_sink.py')

    def start(self, name):
        getattr(self, 'start_' + name)()

    def is_ready(self, name):
        """Does the service take connections? (conductor and scheduler have none: they run)"""
        if not self.processes.pid(name):
            raise RuntimeError('%s ended:\n%s' % (name, self.processes.tail(name)))
        if name == 'mariadb':
            return self.mariadb_ready()
        port = {'rabbit': 'amqp', 'api': 'nova', 'mail': 'smtp'}.get(name, name)
        if name in ('conductor', 'scheduler', 'epmd', 'wire'):
            return True
        return _answers(self.layout.control, self.layout.port(port))

    def wait_ready(self, name, timeout_s=60):
        wait_until(lambda: self.is_ready(name), timeout_s, name + ' answers')


def write_configs(layout):
    confs.write_all(layout)
    os.makedirs(layout.path('nova', 'lock'), exist_ok=True)


if __name__ == '__main__':
    sys.exit('a part of rig.py')

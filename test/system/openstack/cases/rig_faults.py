# SPDX-License-Identifier: Apache-2.0
"""Proves the faults of the rig: each one breaks what it says, and reset undoes it."""
import smtplib
import socket
import ssl
import subprocess
import time
from email.message import EmailMessage

from case_marks import case, equal, true
from faults import answer
from mail_sink import LOGIN
from rig_layout import BMC_PORT, BMC_USER, PROBE_PORT
from rig_process import clean_env, wait_until
from tenants import mail_of


RPC_RESPONSE_S = 60  # as confs.py sets it: so long waits whoever sent a call that died with the bus


def wait_all(world, state, more_s=0):
    """Until Nova says the same of all hosts."""
    wait_until(lambda: set(states(world).values()) == {state}, 3 * world.layout.down_s + 30 + more_s,
               'all ' + state, 0.2)


def states(world):
    return {host: service['state'] for host, service in world.cloud.services().items()}


@case(limit_s=90)
def case_conductor_away_makes_all_hosts_look_down(world):
    world.services.pause('conductor')
    wait_all(world, 'down')
    world.services.resume('conductor')
    wait_all(world, 'up')


@case(limit_s=240)
def case_bus_killed_and_back(world):
    """A report that was under way when the bus died is waited for in vain before the next is sent."""
    world.services.kill('rabbit')
    wait_all(world, 'down')
    world.services.start('rabbit')
    wait_all(world, 'up', RPC_RESPONSE_S)
    world.cloud.boot('after', 'c1')


@case(limit_s=120)
def case_neutron_away_breaks_the_long_listing_only(world):
    server = world.cloud.boot('listed', 'c1')[0]['id']
    for breaks, heals in ((lambda: world.neutron.mode('500'), lambda: world.neutron.mode('ok')),
                          (lambda: world.services.kill('neutron'),
                           lambda: world.services.start('neutron'))):
        breaks()
        long, _ = world.cloud.nova('GET', '/servers/detail?all_tenants=1', raw=True)
        short, value = world.cloud.nova('GET', '/servers?all_tenants=1&host=c1', raw=True)
        equal((long, short), (500, 200), 'long and short listing')
        equal([s['id'] for s in value['servers']], [server], 'short listing')
        heals()
        equal(world.cloud.nova('GET', '/servers/detail?all_tenants=1', raw=True)[0], 200, 'healed')


@case(limit_s=60)
def case_database_frozen(world):
    world.services.pause('mariadb')
    world.proxy.rules()
    try:
        with socket.create_connection((world.layout.control, world.layout.port('proxy')), 5) as sock:
            sock.settimeout(3)
            sock.sendall(b'GET /v2.1/os-services HTTP/1.1\r\nHost: x\r\nX-Auth-Token: %s\r\n\r\n'
                         % world.cloud.token().encode())
            answered = bool(sock.recv(10))
    except (TimeoutError, socket.timeout):
        answered = False
    true(not answered, 'Nova answered without its database')
    world.services.resume('mariadb')
    world.cloud.services()


@case(limit_s=60)
def case_proxy_rules(world):
    world.proxy.rules(answer(503, 'GET', '/os-services', times=1, headers={'Retry-After': '1'}),
                      answer(429, 'GET', '/os-migrations', after=1),
                      {'path': '/os-hypervisors', 'do': 'cut'},
                      {'path': '/flavors', 'do': 'half-reply'})
    client = world.client
    equal([client.nova('GET', '/os-services', raw=True)[0] for _ in range(2)], [503, 200], '503 once')
    equal([client.nova('GET', '/os-migrations', raw=True)[0] for _ in range(3)], [200, 429, 429],
          '429 from the second on')
    for path in ('/os-hypervisors', '/flavors'):
        try:
            client.nova('GET', path, raw=True)
        except Exception as err:  # pylint: disable=broad-except
            print('%s: %s' % (path, type(err).__name__))
        else:
            raise AssertionError('%s was answered' % path)
    equal(len(world.proxy.log('GET', '/os-migrations')), 3, 'log')


@case(limit_s=90)
def case_host_hangs_and_thaws(world):
    server = world.cloud.boot('frozen', 'c2')[0]['id']
    world.machines['c2'].hang()
    address = (world.layout.probe_address('c2'), PROBE_PORT)
    for _ in range(5):
        began = time.monotonic()
        try:
            socket.create_connection(address, 0.3).close()
            raise AssertionError('a hung host answered')
        except (TimeoutError, socket.timeout):
            true(time.monotonic() - began >= 0.29, 'not silent')
    world.cloud.wait_state('c2', 'down')
    equal(world.guest_hosts(server), {'c2'}, 'the guest may still write')
    equal(world.ipmi('c2', 'power', 'status')[1], 'Chassis Power is on', 'power')
    world.machines['c2'].thaw()
    world.cloud.wait_state('c2', 'up')
    socket.create_connection(address, 2).close()


@case(limit_s=60)
def case_host_refuses(world):
    """The host's kernel lives and its service does not: RST, not silence."""
    world.machines['c3'].set_wire('refuse')
    try:
        socket.create_connection((world.layout.probe_address('c3'), PROBE_PORT), 2)
    except ConnectionRefusedError:
        return
    raise AssertionError('not refused')


@case(limit_s=120)
def case_spawn_fails_on_the_target(world):
    cloud = world.cloud
    server = cloud.boot('unlucky', 'c1')[0]['id']
    world.machines['c1'].power_off()
    cloud.set_service('c1', forced_down=True)
    for host in world.hosts:
        world.machines[host].knobs(spawn_fail=True)
    equal(cloud.evacuate(server)[0], 200, 'evacuate')
    broken = cloud.wait_server(server, 'ERROR')
    equal(broken['OS-EXT-SRV-ATTR:host'], 'c1', 'host')
    equal([m['status'] for m in cloud.migrations(source_compute='c1')], ['failed'], 'migration')
    for host in world.hosts:
        world.machines[host].knobs()
    equal(cloud.evacuate(server)[0], 200, 'again')
    cloud.wait_evacuated([server], 'c1')


@case(limit_s=120)
def case_no_room_elsewhere(world):
    """A flavor of which each host takes one."""
    cloud = world.cloud
    ids = {host: cloud.boot('fat-' + host, host, flavorRef='huge')[0]['id'] for host in world.hosts}
    world.machines['c1'].power_off()
    cloud.set_service('c1', forced_down=True)
    cloud.evacuate(ids['c1'])
    broken = cloud.wait_server(ids['c1'], 'ERROR')
    true('No valid host' in broken['fault']['message'], broken['fault'])


@case(limit_s=120)
def case_target_dies_in_the_middle(world):
    cloud = world.cloud
    server = cloud.boot('hopper', 'c1')[0]['id']
    for host in world.hosts:
        world.machines[host].knobs(spawn_delay_ms=8000)
    world.machines['c1'].power_off()
    cloud.set_service('c1', forced_down=True)
    cloud.evacuate(server)
    moving = wait_until(lambda: [m for m in cloud.migrations(source_compute='c1')
                                 if m['status'] == 'pre-migrating'], 20, 'pre-migrating')[0]
    target = moving['dest_compute']
    world.machines[target].power_off()
    for host in world.hosts:
        world.machines[host].knobs()
    cloud.set_service(target, forced_down=True)
    equal([m['status'] for m in cloud.migrations(source_compute='c1')], ['pre-migrating'], 'stuck')
    equal(cloud.evacuate(server)[0], 200, 'second call, its target being dead')
    cloud.wait_evacuated([server], 'c1')


@case(limit_s=60)
def case_unreachable_cell_is_unknown(world):
    world.add_unreachable_cell('c77')
    wait_until(lambda: world.cloud.services().get('c77', {}).get('status') == 'UNKNOWN', 20,
               'status UNKNOWN', 0.5)
    print({k: v for k, v in world.cloud.services()['c77'].items()})


@case(limit_s=60)
def case_host_with_many_services(world):
    world.rig.control.start_extra_scheduler('c1')
    wait_until(lambda: 'c1' in world.cloud.services('nova-scheduler'), 30, 'scheduler on c1')
    equal(world.cloud.services()['c1']['binary'], 'nova-compute', 'compute of c1')


def fence(agent, **options):
    done = subprocess.run([agent], input=''.join('%s=%s\n' % pair for pair in options.items()),
                          env=clean_env(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=60, check=False)
    return done.returncode, done.stdout.strip()


@case(limit_s=90)
def case_packaged_fence_agents(world):
    options = {'ip': world.layout.bmc_address('c10'), 'ipport': BMC_PORT, 'username': BMC_USER,
               'password': world.layout.bmc_password, 'lanplus': 1, 'cipher': 3}
    equal(fence('fence_ipmilan', action='status', **options)[0], 0, 'status on')
    equal(fence('fence_ipmilan', action='off', **options)[0], 0, 'off')
    equal(fence('fence_ipmilan', action='status', **options)[0], 2, 'status off')
    true(not world.machines['c10'].has_power(), 'power')
    equal(fence('fence_ipmilan', action='on', **options)[0], 0, 'on')
    state = world.layout.path('dummy')
    equal(fence('fence_dummy', action='off', type='file', status_file=state)[0], 0, 'dummy off')
    equal(fence('fence_dummy', action='status', type='file', status_file=state)[0], 2, 'dummy')


def message(to):
    mail = EmailMessage()
    mail['From'], mail['To'], mail['Subject'] = 'osha@example.com', to, 'a test'
    mail.set_content('body of the test')
    return mail


@case(limit_s=60)
def case_mail_doors(world):
    layout = world.layout
    trust = ssl.create_default_context(cafile=layout.conf('mail.pem'))
    with smtplib.SMTP(layout.control, layout.port('smtp'), timeout=10) as link:
        link.send_message(message(mail_of('alice')))
    with smtplib.SMTP(layout.control, layout.port('smtp_starttls'), timeout=10) as link:
        link.starttls(context=trust)
        link.login(LOGIN, layout.password)
        link.send_message(message(mail_of('alice')))
    with smtplib.SMTP_SSL(layout.control, layout.port('smtp_tls'), timeout=10, context=trust) as link:
        link.login(LOGIN, layout.password)
        link.send_message(message(mail_of('alice')))
    mails = world.mail.wait_to(mail_of('alice'), 3)
    equal(sorted(m.door for m in mails), ['plain', 'starttls', 'tls'], 'doors')
    equal([m.part().strip() for m in mails], ['body of the test'] * 3, 'bodies')
    equal(world.mail.to(mail_of('bob')), [], 'mails of bob')
    world.mail.knobs(refuse=[mail_of('bob')], defer=[mail_of('alice')])
    for person, code in (('bob', 550), ('alice', 450)):
        try:
            with smtplib.SMTP(layout.control, layout.port('smtp'), timeout=10) as link:
                link.send_message(message(mail_of(person)))
        except smtplib.SMTPRecipientsRefused as err:
            equal(err.recipients[mail_of(person)][0], code, 'refusal')
        else:
            raise AssertionError('accepted')


@case(limit_s=60)
def case_clouds_yaml_and_owners(world):
    """alice may pin her server; it is hers alone; the catalogue leads through the proxy."""
    server = world.people['alice'].boot('hers', 'c3')[0]['id']
    equal(world.cloud.server(server)['tenant_id'], world.layout.runtime()['projects']['alpha'], 'owner')
    equal(world.people['bob'].nova('GET', '/servers/' + server, raw=True)[0], 404, 'as bob')
    catalogue = world.cloud.keystone('GET', '/auth/catalog')['catalog']
    urls = {e['interface']: e['url'] for s in catalogue if s['type'] == 'compute'
            for e in s['endpoints']}
    equal(urls['public'], world.layout.url('proxy', '/v2.1'), 'public endpoint')
    users = world.layout.runtime()['users']
    equal(world.cloud.keystone('GET', '/users/' + users['alice'])['user']['email'],
          mail_of('alice'), 'mail address')

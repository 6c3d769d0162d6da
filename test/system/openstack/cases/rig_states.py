# SPDX-License-Identifier: Apache-2.0
"""Proves that servers can be brought into every state a recovery must treat."""
from case_marks import case, equal, true
from rig_process import wait_until


def make(world, name, *actions, status):
    """Boot a server on c1 and bring it into `status` by actions (name, arguments)."""
    server = world.cloud.boot(name, 'c1')[0]['id']
    for action, arguments in actions:
        code, value = world.cloud.action(server, action, arguments)
        true(code in (200, 202), '%s: %d %s' % (action, code, value))
    world.cloud.wait_server(server, status)
    return server


@case(limit_s=150)
def case_every_state(world):
    cloud = world.cloud
    made = {
        'SHUTOFF': make(world, 'stopped', ('os-stop', None), status='SHUTOFF'),
        'PAUSED': make(world, 'paused', ('pause', None), status='PAUSED'),
        'SUSPENDED': make(world, 'suspended', ('suspend', None), status='SUSPENDED'),
        'RESCUE': make(world, 'rescued', ('rescue', {}), status='RESCUE'),
        'ERROR': make(world, 'broken', ('os-resetState', {'state': 'error'}), status='ERROR'),
        'locked': make(world, 'locked', ('lock', None), status='ACTIVE'),
    }
    running = {state: bool(world.guest_hosts(uuid)) for state, uuid in made.items()}
    equal(running, {'SHUTOFF': False, 'PAUSED': True, 'SUSPENDED': False, 'RESCUE': True,
                    'ERROR': True, 'locked': True}, 'guests that run')
    world.machines['c1'].power_off()
    cloud.set_service('c1', forced_down=True)
    answers = {state: cloud.evacuate(uuid)[0] for state, uuid in made.items()}
    equal(answers, {'SHUTOFF': 200, 'PAUSED': 409, 'SUSPENDED': 409, 'RESCUE': 409, 'ERROR': 200,
                    'locked': 200}, "Nova's answers to evacuate")
    cloud.wait_evacuated([made[s] for s in ('SHUTOFF', 'ERROR', 'locked')], 'c1')
    cloud.wait_server(made['SHUTOFF'], 'SHUTOFF')
    equal(world.guest_hosts(made['SHUTOFF']), set(), 'a stopped guest after its evacuation')
    equal(cloud.server(made['ERROR'])['status'], 'ACTIVE', 'a broken one')


@case(limit_s=120)
def case_resize_and_live_migration_are_no_split_brain(world):
    cloud = world.cloud
    resized = make(world, 'resized', ('migrate', None), status='VERIFY_RESIZE')
    wait_until(lambda: world.guest_hosts(resized), 10, 'guest after the resize')
    true(world.guest_hosts(resized) != {'c1'}, 'not moved')
    cloud.action(resized, 'confirmResize')
    cloud.wait_server(resized, 'ACTIVE')
    moved = cloud.boot('moved', 'c1')[0]['id']
    code, value = cloud.action(moved, 'os-migrateLive', {'host': 'c2', 'block_migration': 'auto'})
    equal((code, value), (202, None), 'live migration')
    wait_until(lambda: cloud.server(moved)['OS-EXT-SRV-ATTR:host'] == 'c2', 30, 'move', 0.2)
    equal(world.guest_hosts(moved), {'c2'}, 'guest')


@case(limit_s=120)
def case_group_that_cannot_be_split(world):
    """A strict affinity group: Nova finds no valid host for its members, ever."""
    cloud = world.cloud
    group = cloud.nova('POST', '/os-server-groups', {'server_group': {
        'name': 'together', 'policy': 'affinity'}})['server_group']['id']
    server = cloud.boot('bound', hints={'group': group})[0]
    host = cloud.server(server['id'])['OS-EXT-SRV-ATTR:host']
    world.machines[host].power_off()
    cloud.set_service(host, forced_down=True)
    equal(cloud.evacuate(server['id'])[0], 200, 'evacuate')
    true('No valid host' in cloud.wait_server(server['id'], 'ERROR')['fault']['message'], 'fault')

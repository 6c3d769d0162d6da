# SPDX-License-Identifier: Apache-2.0
"""Hosts that are not Osha's to fence, deaths that are none, and too many deaths at once."""
from case_marks import case, equal, true
from recovery_scene import Scene
from rig_process import wait_until


@case(limit_s=150)
def case_compute_crashed_on_a_healthy_host(world):
    """Told, never fenced; an unreachable cell's host is unknown, never dead."""
    scene = Scene(world)
    scene.boot(c1=2)
    world.add_unreachable_cell('c77')
    wait_until(lambda: world.cloud.services().get('c77', {}).get('status') == 'UNKNOWN', 20,
               'status UNKNOWN', 0.5)
    scene.watch()
    scene.machine.kill_compute()
    world.cloud.wait_state('c1', 'down')
    scene.osha.wait_log(r'alert degraded/c1: ')
    scene.stays_so(lambda: not scene.has_row('fencing'), 'fenced')
    scene.assert_untouched()
    equal(scene.verdicts(), {'c1': 'degraded', 'c2': 'up', 'c3': 'up', 'c10': 'up', 'c77': 'unknown'},
          'verdicts')
    equal([world.guest_hosts(i) for i in scene.ids()], [{'c1'}] * 2, 'guests')
    scene.machine.start_compute()
    world.cloud.wait_state('c1', 'up')
    wait_until(lambda: scene.verdicts()['c1'] == 'up', 30, 'verdict up', 0.3)


@case(limit_s=150)
def case_disabled_by_an_operator(world):
    """Its death is told and nothing is done; so is that of a host in maintenance, and of one that
    an operator forced down, which is never taken for our own work."""
    scene = Scene(world)
    scene.boot(c1=1, c2=1, c3=1)
    reason = 'osha recovery abcdef-1-1: host failure'
    world.cloud.set_service('c1', status='disabled', disabled_reason='new disks')
    world.cloud.set_service('c2', forced_down=True)
    world.cloud.set_service('c2', status='disabled', disabled_reason=reason)
    world.proxy.clear()
    scene.watch(unread=('c2',))
    equal(scene.osha.ctl('maintenance', 'c3', 'on')[0], 0, 'maintenance')
    world.machines['c1'].power_off()
    world.machines['c2'].power_off()
    scene.wait_row('abandoned', 'c1')
    scene.wait_row('abandoned', 'c2')
    world.machines['c3'].power_off()
    scene.wait_row('abandoned', 'c3')
    scene.stays_so(lambda: not scene.changes(), 'changed something')
    scene.assert_untouched()
    equal(world.cloud.service('c1')['disabled_reason'], 'new disks', "operator's reason")
    world.mail.wait_to('ops@example.com', 3)


@case(limit_s=150)
def case_all_hosts_silent(world):
    """All of them hang at once: held by the rule against mass failures, told, nothing is fenced."""
    scene = Scene(world)
    scene.boot(c1=1, c2=1)
    scene.watch()
    for machine in world.machines.values():
        machine.hang()
    for host in world.hosts:
        true('went silent' in scene.wait_held(host), 'reason of ' + host)
    scene.assert_untouched()
    for machine in world.machines.values():
        machine.thaw()
    for host in world.hosts:
        scene.wait_row('cleared', host)
    scene.assert_untouched()


@case(limit_s=200)
def case_two_hosts_die(world):
    """As many as the breaker allows; both recoveries run side by side, similar names apart."""
    scene = Scene(world)
    scene.boot(c1=3, c10=3, c2=1)
    scene.watch()
    for host in ('c1', 'c10'):
        world.machines[host].power_off()
    scene.wait_row('recovered', 'c1')
    scene.wait_row('recovered', 'c10')
    after = {s['id']: s['OS-EXT-SRV-ATTR:host'] for s in world.cloud.servers()}
    true({after[u] for u in scene.ids('c1') + scene.ids('c10')} <= {'c2', 'c3'}, after)
    equal([len(scene.offs(h)) for h in world.hosts], [1, 0, 0, 1], 'power-offs')
    world.assert_single_evacuate_calls(set(after))


@case(limit_s=200)
def case_powered_on_in_the_middle(world):
    """Somebody switches it on while evacuations are under way: it is powered off again before its
    nova-compute could destroy what is on its way."""
    scene = Scene(world)
    scene.boot(c1=6, c10=1)
    scene.watch()
    for host in world.hosts:
        world.machines[host].knobs(spawn_delay_ms=4000)
    scene.machine.power_off()
    scene.osha.wait_log(r' instance \S+ rebuilding: ')
    world.ipmi('c1', 'power', 'on')
    scene.wait_offs(2)
    wait_until(lambda: not scene.machine.has_power(), 20, 'power off')
    scene.osha.wait_log(r'alert seen-on/')
    scene.wait_row('recovered')
    scene.assert_fenced_for_good(offs=2)
    scene.assert_evacuated()
    scene.take_back()


@case(limit_s=200)
def case_source_returns_in_flight(world):
    """Its segment lets it return: what is under way is watched to its end, and the host is taken
    back only when nova-compute has cleaned up, started again where Nova wants that."""
    scene = Scene(world)
    scene.osha.configure(segments=[dict(scene.osha.segment(), **{'let-return': True})],
                         recovery={'return-timeout': '15s'})
    scene.boot(c1=3, c10=1)
    scene.watch()
    for host in world.hosts:
        world.machines[host].knobs(spawn_delay_ms=20000)
    scene.machine.power_off()
    scene.osha.wait_log(r' instance \S+ rebuilding: ')
    scene.machine.power_on()
    scene.wait_row('returning')
    scene.wait_held()
    for host in world.hosts:
        world.machines[host].knobs()
    wait_until(lambda: all(len(world.guest_hosts(i)) == 1 for i in scene.ids()), 60, 'guests', 0.3)
    scene.machine.kill_compute()
    scene.machine.start_compute()
    scene.wait_back()
    equal(len(scene.offs()), 1, 'power-offs')

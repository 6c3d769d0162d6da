# SPDX-License-Identifier: Apache-2.0
"""Fence devices that fail or lie: nothing is evacuated without a proof of death."""
from case_marks import case, equal, true
from recovery_scene import Scene


@case(limit_s=240)
def case_bmc_dead_then_back(world):
    """Held, told, tried again; it goes on by itself when the BMC answers."""
    scene = Scene(world)
    scene.boot(c1=2, c10=1)
    scene.watch()
    scene.machine.bmc_kill()
    scene.machine.power_off()
    scene.wait_held()
    held = scene.osha.wait_log(r': tell: held')
    true(held, 'not told')
    equal(scene.changes(), [], 'changes in Nova without a proof')
    scene.wait_again_held()
    equal(scene.changes(), [], 'changes in Nova without a proof')
    world.rig.processes.forget(scene.machine.bmc_name)
    scene.machine.bmc_start()
    scene.wait_row('recovered')
    scene.assert_fenced_for_good(offs=None)
    scene.assert_evacuated()
    scene.take_back()


@case(limit_s=180)
def case_bmc_accepts_off_and_stays_on(world):
    """The host hangs with its guests in memory: evacuating them would make each run twice."""
    scene = Scene(world)
    scene.boot(c1=2, c10=1)
    scene.watch()
    scene.machine.bmc_mode('ignore-off')
    scene.machine.hang()
    scene.wait_held()
    true(len(scene.offs()) >= 2, 'power-offs tried')
    equal(scene.changes(), [], 'changes in Nova without a proof')
    equal([world.guest_hosts(i) for i in scene.ids()], [{'c1'}] * 2, 'guests of a host that hangs')
    scene.machine.bmc_mode()
    scene.wait_row('recovered')
    scene.assert_fenced_for_good(offs=None)
    scene.assert_evacuated()


@case(limit_s=180)
def case_bmc_of_another_host(world):
    """Wired to c3 while that is off: it reads off for a living host, so it proves nothing."""
    scene = Scene(world)
    scene.boot(c1=2, c2=1, c10=1)
    world.machines['c3'].power_off()
    world.cloud.set_service('c3', status='disabled', disabled_reason='rack work')
    scene.machine.bmc_mode(target='c3')
    world.proxy.clear()
    scene.watch(unread=('c1', 'c3'))
    scene.osha.wait_log(r'alert miswired/c1/0: ', 120)
    scene.machine.hang()
    scene.wait_held()
    equal(scene.offs(), [], 'power-offs by a device of another machine')
    equal(scene.changes(), [], 'changes in Nova')
    equal([world.guest_hosts(i) for i in scene.ids()], [{'c1'}] * 2, 'guests')


@case(limit_s=180)
def case_bmc_rewired_while_watched(world):
    """It has read on for c1, and now switches c10: a power-off that hits a bystander is no proof
    for c1, which still shows that it lives."""
    scene = Scene(world)
    scene.boot(c1=2, c2=1)
    scene.watch()
    scene.machine.bmc_mode(target='c3')
    world.machines['c3'].power_off()
    scene.machine.kill_compute()
    scene.osha.wait_log(r'alert degraded/c1: ', 60)
    equal(scene.offs(), [], 'power-offs of a host that answers')
    true(not scene.has_row('fencing'), 'fenced')

# SPDX-License-Identifier: Apache-2.0
"""Fence devices that fail or lie: nothing is evacuated without a proof of death."""
from case_marks import case, equal, true
from recovery_scene import Scene
from rig_layout import write_file
from tenants import ADMIN_MAIL


@case(limit_s=240)
def case_bmc_dead_then_back(world):
    """Held, told, tried again; it goes on by itself when the BMC answers."""
    scene = Scene(world)
    scene.boot(c1=2, c10=1)
    scene.watch()
    scene.machine.bmc_kill()
    scene.machine.power_off()
    scene.wait_held()
    world.mail.wait_to(ADMIN_MAIL, 2)
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
def case_operator_confirms_a_death(world):
    """BMC dead with its host: held; the operator's word is taken, with the name of who gave it, and
    refused for a host that shows life."""
    scene = Scene(world)
    scene.boot(c1=2, c10=1)
    scene.watch()
    status, _, err = scene.osha.ctl('confirm-dead', 'c10')
    equal(status, 3, 'word on a living host: ' + err)
    scene.machine.bmc_kill()
    scene.machine.power_off()
    scene.wait_held()
    equal(scene.changes(), [], 'changes in Nova without a proof')
    status, out, err = scene.osha.ctl('confirm-dead', 'c1')
    equal(status, 0, 'confirm-dead: ' + out + err)
    scene.wait_row('recovered')
    scene.assert_evacuated()
    shown = scene.osha.ask('recovery', 'show', scene.recovery())
    equal(shown['recovery']['proof']['kind'], 'operator', 'proof')
    true(shown['recovery']['proof']['by'], 'who said it')
    equal({(i['uuid'], i['state'], i['calls']) for i in shown['recovery']['instances']},
          {(uuid, 'done', 1) for uuid in scene.ids()}, 'instances of `recovery show`')


@case(limit_s=180)
def case_packaged_ipmi_agent(world):
    """fence_ipmilan, unmodified, and a pass that ends by itself with each exit status."""
    scene = Scene(world, agent='fence_ipmilan')
    scene.boot(c1=2, c10=1)
    equal(scene.osha.once()[:2], (0, 'No failed nodes\n'), 'a pass with nothing down')
    # it hangs: this agent switches nothing off that reads off already
    scene.machine.hang()
    world.cloud.wait_state('c1', 'down')
    status, out, _ = scene.osha.once('--dry-run')
    equal(status, 3, 'a dry run with a dead host: ' + out)
    true('would power off by bmc' in out and 'nova says dead' in out, out)
    equal(scene.changes(), [], 'changes of a dry run')
    equal(scene.offs(), [], 'power-offs of a dry run')
    status, out, _ = scene.osha.once()
    equal(status, 0, out)
    true('c1: recovered' in out, out)
    scene.assert_fenced_for_good()
    scene.assert_evacuated()


@case(limit_s=180)
def case_packaged_dummy_agent(world):
    """fence_dummy knows nothing of the machine: what it proves is what its file says."""
    scene = Scene(world, agent='fence_dummy')
    scene.boot(c1=2, c10=1)
    for host in world.hosts:
        write_file(world.layout.path('dummy-' + host), 'on')
    scene.watch()
    scene.machine.power_off()
    scene.wait_row('recovered')
    scene.assert_evacuated()
    with open(world.layout.path('dummy-c1'), encoding='utf-8') as stream:
        equal(stream.read().strip(), 'off', 'what the agent wrote')
    equal(scene.offs(), [], 'power-offs by a BMC that is not configured')

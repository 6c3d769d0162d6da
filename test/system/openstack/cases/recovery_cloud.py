# SPDX-License-Identifier: Apache-2.0
"""The cloud itself fails: silence of its parts is no death, and answers that are lost are looked
for before anything is repeated."""
from case_marks import case, equal
from faults import answer, lose_evacuate_reply
from recovery_scene import Scene
from rig_process import wait_until


@case(limit_s=200)
def case_reply_to_evacuate_lost(world):
    """Two replies are lost after Nova took the calls, two calls never reach it, one is answered
    503: each server is evacuated by one accepted call."""
    scene = Scene(world)
    scene.boot(c1=5, c10=1)
    never = {'method': 'POST', 'path': '/action$', 'body': '"evacuate"', 'times': 1, 'do': 'cut'}
    busy = answer(503, 'POST', '/action$', 1, body='"evacuate"', headers={'Retry-After': '1'})
    # rules that look at the same request take turns: each acts once, the first that still may
    world.proxy.rules(lose_evacuate_reply(1), dict(never), lose_evacuate_reply(1), dict(never), busy)
    scene.watch()
    scene.machine.power_off()
    scene.wait_row('recovered')
    scene.assert_evacuated()
    equal([r['acted'] for r in world.proxy.counts()], [1] * 5, 'faults that acted')
    scene.take_back()


@case(limit_s=200)
def case_neutron_away(world):
    """The long listing fails, the short one works: the victims are found, nothing is lost."""
    scene = Scene(world)
    scene.boot(c1=2, c10=1)
    scene.watch()
    world.neutron.mode('500')
    scene.machine.power_off()
    scene.osha.wait_log(r': c1 \S+ -> disabling: ')
    wait_until(lambda: world.proxy.log('GET', '/servers?') or scene.has_row('evacuating'), 60,
               'short listing')
    world.neutron.mode('ok')
    scene.wait_row('recovered')
    scene.assert_evacuated(again=scene.ids())


@case(limit_s=240)
def case_api_away(world):
    """Before the death: nobody can be asked, nothing is done. In the middle: it goes on after."""
    scene = Scene(world)
    scene.boot(c1=3, c10=1)
    scene.watch()
    world.services.kill('api')
    scene.osha.wait_log(r'monitor nova: ')
    scene.machine.power_off()
    scene.stays_so(lambda: not scene.offs(), 'fenced while nobody could be asked')
    world.services.start('api')
    scene.osha.wait_log(r' instance \S+ rebuilding: ')
    # for the daemon alone: killed in the middle of a call, nova-api itself would leave an evacuation
    # that never goes on
    world.proxy.rules({'do': 'cut'})
    scene.stays_so(scene.osha.runs, 'the daemon')
    world.proxy.rules()
    scene.wait_row('recovered')
    scene.assert_evacuated()
    equal(len(scene.offs()), 1, 'power-offs')


@case(limit_s=240)
def case_conductor_and_bus_away(world):
    """All hosts look down together and live: nothing is fenced. Away in the middle of evacuations:
    Nova takes the calls and does them later, each once."""
    scene = Scene(world)
    scene.boot(c1=3, c10=1)
    scene.watch()
    world.services.pause('conductor')
    wait_until(lambda: {s['state'] for s in world.cloud.services().values()} == {'down'}, 60,
               'all down', 0.2)
    scene.stays_so(lambda: not scene.changes(), 'changed something')
    scene.assert_untouched()
    world.services.resume('conductor')
    wait_until(lambda: set(scene.verdicts().values()) == {'up'}, 60, 'all up', 0.3)
    scene.machine.power_off()
    scene.wait_row('listing')
    world.services.pause('conductor')
    wait_until(lambda: len(scene.calls()) >= 1, 60, 'a call', 0.05)
    scene.stays_so(lambda: not scene.has_row('recovered'), 'recovered without a conductor')
    world.services.resume('conductor')
    scene.wait_row('recovered')
    scene.assert_evacuated()
    equal([len(scene.offs(h)) for h in world.hosts], [1, 0, 0, 0], 'power-offs')


@case(limit_s=300)
def case_bus_away(world):
    """The message bus dies and comes back; a host that died meanwhile is found afterwards. Nova loses
    what is sent to a service that is not yet back on the bus (each tries every few seconds): a call
    lost so stays `accepted` for ever. It is held by name and never repeated; all others arrive."""
    scene = Scene(world, verdict={'recheck-after': '15s'}, evacuation={'stuck-after': '20s'})
    scene.boot(c1=2, c10=1)
    scene.watch()
    world.services.kill('rabbit')
    wait_until(lambda: {s['state'] for s in world.cloud.services().values()} == {'down'}, 60,
               'all down', 0.2)
    scene.machine.power_off()
    scene.stays_so(lambda: not scene.offs(), 'fenced while the bus was away')
    world.services.start('rabbit')
    scene.wait_row(r'(?:recovered|held: \d+ evacuations? still under way)')
    if scene.has_row('recovered'):
        scene.assert_evacuated(again=scene.ids())
    scene.assert_no_call_in_vain(scene.ids())
    equal([len(scene.offs(h)) for h in world.hosts], [1, 0, 0, 0], 'power-offs')

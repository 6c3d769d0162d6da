# SPDX-License-Identifier: Apache-2.0
"""(request, fault, expected): what the cloud answers instead, and what the daemon makes of it. The guide's table "bad weather" says the same."""
from weather_bed import Death, passes, until

# name: method, path, text in the body
REQUESTS = {
    'token': ('POST', '*/auth/tokens', ''),
    'services': ('GET', '*/os-services*', ''),
    'force-down': ('PUT', '*/os-services/*', 'forced_down'),
    'disable': ('PUT', '*/os-services/*', 'disabled'),
    'servers': ('GET', '*/servers/detail*', ''),
    'migrations': ('GET', '*/os-migrations*', ''),
    'server': ('GET', '*/servers/????????-????-*', ''),
    'evacuate': ('POST', '*/servers/*/action', 'evacuate'),
    'stop': ('POST', '*/servers/*/action', 'os-stop'),
}

STATUSES = ('401', '403', '404', '409', '413', '429', '500', '503')
BODIES = ('cut', 'drip', 'endless', 'garbage', 'redirect')
GARBLED = ('cut', 'drip', 'endless', 'garbage')
DONE_ALL_THE_SAME = (*GARBLED, 'lost', 'late')


def of(request, expected, *faults):
    return [(request, fault, expected) for fault in faults]


# blind    nothing is fenced while it lasts; afterwards the dead host is found
# again    the step is tried again; no hold
# held     the recovery is held while it lasts, goes on afterwards
# refused  the instance is refused by name, the recovery held; it goes on afterwards
# looked   Nova is asked before the call is repeated; exactly one call is accepted
# stopped  the instance is stopped in the end
ROWS = (
    of('token', 'blind', *STATUSES, *BODIES, 'drop')
    + of('services', 'blind', *STATUSES, *BODIES, 'drop')
    + of('force-down', 'held', '401', '403', '404', 'redirect')
    + of('force-down', 'again', '409', '413', '429', '500', '503', *GARBLED, 'drop', 'lost', 'late')
    + of('disable', 'held', '403', 'redirect')
    + of('disable', 'again', '409', '429', '500', '503', 'garbage', 'drop', 'lost')
    + of('servers', 'held', '401', '403', '404', 'redirect')
    + of('servers', 'again', '409', '413', '429', '500', '503', *GARBLED, 'drop')
    + of('migrations', 'held', '401', '403', '404', 'redirect')
    + of('migrations', 'again', '409', '413', '429', '500', '503', *GARBLED, 'drop')
    + of('server', 'again', '404', '409', '413', '429', '500', '503', *GARBLED, 'drop')
    + of('server', 'refused', '401', '403', 'redirect')
    + of('evacuate', 'refused', '401', '403', 'redirect')
    + of('evacuate', 'again', '404', '409', '413', '429')
    + of('evacuate', 'looked', '500', '503', *GARBLED, 'drop', 'lost', 'late')
    + of('stop', 'stopped', '409', '429', '500', '503', 'garbage', 'drop', 'lost')
)


def let(bed, request, fault, count=0):
    """Let a fault strike; @count times, 0: until bed.calm()."""
    method, path, body = REQUESTS[request]
    more = {'effect': fault}
    if fault.isdigit():
        more = {'effect': 'status', 'status': int(fault)}
    if fault == '429':
        more['retry_after_s'] = 1
    if fault == 'late':
        more['delay_ms'] = 700
    bed.fault(method, path, body=body, count=count, **more)


def blind(bed, death, request, fault):
    let(bed, request, fault)
    if request == 'token':
        bed.post('tokens')
    death.wait('monitor nova: ')
    bed.power(death.host)
    passes(2.8)  # longer than service-down-time: a look at Nova would say down
    death.untouched()
    bed.calm()
    death.recovered()
    death.check_once()


def again(bed, death, request, fault):
    let(bed, request, fault, count=1 if request == 'evacuate' else 2)
    bed.power(death.host)
    death.recovered()
    # an order that was done before its answer was lost is seen to be done when it is tried again
    needed = 1 if fault in DONE_ALL_THE_SAME and REQUESTS[request][0] != 'GET' else 2
    assert bed.hits() >= needed, 'the fault struck nothing, or nothing was tried again'
    assert not death.held(), death.held()
    death.check_once()


def held(bed, death, request, fault):
    let(bed, request, fault)
    bed.power(death.host)
    death.wait(rf'{death.host} \S+ -> held: ')
    death.wait('telling: held')
    assert len(bed.stamps()) == death.stamped, 'evacuated'
    bed.calm()
    death.recovered()
    death.check_once()


def refused(bed, death, request, fault):
    let(bed, request, fault)
    bed.power(death.host)
    names = '|'.join(i['uuid'] for i in death.was)
    death.wait(rf'instance ({names}) (refused|held): ')
    death.wait(rf'{death.host} verifying -> held: ')
    death.wait('telling: held')
    assert request != 'evacuate' or len(bed.stamps()) == death.stamped, 'evacuated'
    bed.calm()
    death.recovered()
    death.check_once()


def looked(bed, death, request, fault):
    let(bed, request, fault, count=1)
    bed.power(death.host)
    death.recovered()
    assert bed.hits() >= 1, 'the fault struck nothing'
    assert not death.held(), death.held()
    death.check_once()
    posts = [r for r in bed.changes() if r['method'] == 'POST' and r['target'].endswith('/action')]
    per = {}
    for r in posts:
        per.setdefault(r['target'], []).append(r)
    for calls in per.values():
        assert len(calls) == 1 or calls[1]['begin_us'] - calls[0]['begin_us'] >= 1000000, 'repeated before evacuate_settle was over'


def stopped(bed, death, request, fault):
    """Nova starts what it evacuates out of ERROR; a stopped instance has to be stopped again."""
    uuid = death.was[0]['uuid']
    bed.post('instance', id=uuid, vm_state='stopped')
    death.was = bed.instances(death.host)
    for host in bed.hosts:
        bed.post('host', host=host, spawn_failures=-1)
    let(bed, request, fault, count=2)
    bed.power(death.host)
    until('its evacuation failed', lambda: next(i for i in bed.instances() if i['uuid'] == uuid)['vm_state'] == 'error')
    for host in bed.hosts:
        bed.post('host', host=host, spawn_failures=0)
    death.recovered()
    assert bed.hits() >= 1, 'the instance was not to be stopped'


PLAYS = {play.__name__: play for play in (blind, again, held, refused, looked, stopped)}


def play(bed, daemon, host, row):
    death = Death(bed, daemon, host)
    PLAYS[row[2]](bed, death, row[0], row[1])
    death.check()
    assert not any('elsewhere' in r['target'] for r in bed.control('GET', 'log')['requests']), 'a redirect was followed'
    bed.calm()

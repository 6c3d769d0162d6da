# SPDX-License-Identifier: Apache-2.0
"""What a case may break: services by name, the Neutron stub, the proxy before nova-api.

Each handle can undo itself; machines and BMCs break by machine.py.
"""
from cloud_client import http_json
from control import SERVICES
from rig_process import wait_until


class Services:
    """Kill, pause and restart services of the control plane by name."""

    def __init__(self, rig):
        self.rig = rig
        self.processes = rig.processes

    def pause(self, name):
        self.processes.pause(name)

    def resume(self, name):
        self.processes.resume(name)

    def kill(self, name):
        self.processes.kill(name)

    def start(self, name, timeout_s=60):
        self.rig.control.start(name)
        self.rig.control.wait_ready(name, timeout_s)

    def restart(self, name):
        self.kill(name)
        self.start(name)

    def heal(self):
        """Everything runs again; returns the names that had to be helped."""
        helped = []
        for name in SERVICES + ('wire', 'proxy', 'mail'):
            if self.processes.pid(name) is None:
                self.processes.forget(name)
                self.start(name)
                helped.append(name)
            elif self.processes.is_paused(name):
                self.resume(name)
                helped.append(name)
        for name in self.processes.names():
            if name.startswith('scheduler-'):
                self.kill(name)
                helped.append(name)
        return helped


class Neutron:
    def __init__(self, layout):
        self.layout = layout

    def mode(self, value):
        """`ok`, `500` or `hang`; to refuse connections kill the service `neutron`."""
        status, _, _ = http_json('PUT', self.layout.url('neutron_ctl', '/mode'), value.encode())
        if status != 200:
            raise RuntimeError('neutron stub: %d' % status)


class Proxy:
    """Rules and log of fault_proxy.py, which documents both."""

    def __init__(self, layout):
        self.layout = layout

    def rules(self, *rules):
        status, _, value = http_json('PUT', self.layout.url('proxy_ctl', '/rules'), list(rules))
        if status != 200:
            raise RuntimeError('proxy: %s' % value)

    def counts(self):
        return http_json('GET', self.layout.url('proxy_ctl', '/rules'))[2]

    def log(self, method=None, path=None, body=None):
        """Requests that went through, oldest first, whose path and body hold the given text."""
        entries = http_json('GET', self.layout.url('proxy_ctl', '/log'))[2]
        return [e for e in entries
                if (not method or e['method'] == method) and (not path or path in e['path'])
                and (not body or body in e['body'])]

    def wait_seen(self, method=None, path=None, body=None, count=1, timeout_s=60):
        """Until that many such requests have come, answered or not; returns them."""
        return wait_until(
            lambda: (lambda found: found if len(found) >= count else None)(
                self.log(method, path, body)),
            timeout_s, 'request %s %s %s' % (method, path, body), 0.01)

    def evacuate_calls(self):
        """POST evacuate of clients: [(time, server id, status)]"""
        return [(e['at'], e['path'].split('/')[3], e['status'])
                for e in self.log('POST', '/action', '"evacuate"')]

    def clear(self):
        self.rules()
        http_json('DELETE', self.layout.url('proxy_ctl', '/log'))


def lose_evacuate_reply(number, do='drop-reply'):
    """Rule: the number-th (from 1) POST evacuate is done by Nova, its reply is lost."""
    return {'method': 'POST', 'path': '/action$', 'body': '"evacuate"', 'after': number - 1,
            'times': 1, 'do': do}


def answer(status, method=None, path='', times=0, **more):
    """Rule: matching requests are answered with this status and never reach Nova."""
    rule = {'path': path, 'do': 'status', 'status': status, 'times': times}
    if method:
        rule['method'] = method
    rule.update(more)
    return rule

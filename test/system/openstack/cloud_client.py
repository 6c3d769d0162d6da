# SPDX-License-Identifier: Apache-2.0
"""A thin client of the rig's OpenStack for its cases: JSON over HTTP, past the fault proxy.

What a case asks here must not be touched by the faults it set for the daemon under test.
"""
import http.client
import json
import time
import urllib.parse

from rig_process import wait_until


class HttpError(Exception):
    def __init__(self, status, text):
        super().__init__('HTTP %d: %s' % (status, text[:500]))
        self.status = status
        self.text = text


def http_json(method, url, body=None, headers=None, timeout_s=90):
    """One request; returns (status, headers, value), value being None for an empty body."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout_s)
    headers = dict(headers or {})
    data = None
    if body is not None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers.setdefault('Content-Type', 'application/json')
    path = parts.path + ('?' + parts.query if parts.query else '')
    try:
        connection.request(method, path, data, headers)
        response = connection.getresponse()
        text = response.read().decode('utf-8', 'replace')
        status, got = response.status, dict(response.getheaders())
    finally:
        connection.close()
    try:
        value = json.loads(text) if text else None
    except ValueError:
        value = text
    return status, got, value


class Cloud:
    """One user's view; `via_proxy` makes calls to Nova go the way of all clients."""

    def __init__(self, layout, user='admin', project='admin', via_proxy=False):
        self.layout = layout
        self.user = user
        self.project = project
        self.via_proxy = via_proxy
        self._token = None
        self._token_at = 0.0

    # -- plumbing ----------------------------------------------------------------------------
    def token(self):
        if self._token and time.monotonic() - self._token_at < 3600:
            return self._token
        body = {'auth': {
            'identity': {'methods': ['password'], 'password': {'user': {
                'name': self.user, 'domain': {'id': 'default'},
                'password': self.layout.password}}},
            'scope': {'project': {'name': self.project, 'domain': {'id': 'default'}}}}}
        status, headers, value = http_json('POST', self.layout.url('keystone', '/v3/auth/tokens'), body)
        if status != 201:
            raise HttpError(status, str(value))
        self._token = headers['X-Subject-Token']
        self._token_at = time.monotonic()
        return self._token

    def call(self, service, method, path, body=None, version=None, raw=False):
        """Ask a service; returns its JSON. With `raw` (status, value), whatever the status."""
        headers = {'X-Auth-Token': self.token()}
        if version:
            headers['OpenStack-API-Version'] = version
        status, _, value = http_json(method, self.layout.url(service, path), body, headers)
        if raw:
            return status, value
        if status >= 300:
            raise HttpError(status, json.dumps(value))
        return value

    def nova(self, method, path, body=None, version='2.90', raw=False):
        service = 'proxy' if self.via_proxy else 'nova'
        return self.call(service, method, '/v2.1' + path, body, 'compute ' + version, raw)

    def keystone(self, method, path, body=None, raw=False):
        return self.call('keystone', method, '/v3' + path, body, raw=raw)

    # -- services ----------------------------------------------------------------------------
    def services(self, binary='nova-compute'):
        value = self.nova('GET', '/os-services?binary=' + binary)
        return {item['host']: item for item in value['services']}

    def service(self, host):
        return self.services()[host]

    def set_service(self, host, **fields):
        """PUT os-services: forced_down=..., status='disabled', disabled_reason=..."""
        return self.nova('PUT', '/os-services/' + self.service(host)['id'], fields, raw=True)

    def wait_state(self, host, state, timeout_s=None):
        """Until Nova says `up` or `down`; by default as long as its configuration may take."""
        timeout_s = timeout_s or 3 * self.layout.down_s + 30
        wait_until(lambda: self.service(host)['state'] == state, timeout_s,
                   '%s %s' % (host, state), 0.2)

    # -- servers -----------------------------------------------------------------------------
    def boot(self, name, host=None, count=1, wait=True, **fields):
        """Boot servers named NAME or NAME-1..N; returns their list once ACTIVE, without `wait`
        once they are listed. `hints` are scheduler hints, other fields those of POST /servers."""
        facts = self.layout.runtime()
        server = dict({'name': name, 'flavorRef': facts['flavor'], 'imageRef': facts['image'],
                       'networks': 'none', 'min_count': count, 'max_count': count,
                       'return_reservation_id': True}, **fields)
        if host:
            server['host'] = host
        hints = server.pop('hints', None)
        body = {'server': server}
        if hints:
            body['os:scheduler_hints'] = hints
        value = self.nova('POST', '/servers', body)
        query = '/servers/detail?reservation_id=' + value['reservation_id']
        done = ('ACTIVE', 'ERROR') if wait else None

        def ready():
            found = self.nova('GET', query)['servers']
            if len(found) < count:
                return None
            return found if not done or all(s['status'] in done for s in found) else None
        found = wait_until(ready, 90, 'boot of ' + name, 0.3)
        bad = [s['name'] for s in found if s['status'] == 'ERROR']
        if bad and wait:
            raise RuntimeError('servers in ERROR: %s' % found)
        return found

    def servers(self, **filters):
        query = urllib.parse.urlencode(dict({'all_tenants': 1, 'limit': 1000}, **filters))
        return self.nova('GET', '/servers/detail?' + query)['servers']

    def server(self, uuid):
        return self.nova('GET', '/servers/' + uuid)['server']

    def action(self, uuid, name, arguments=None, version='2.90'):
        """Returns (status, value) of POST action."""
        return self.nova('POST', '/servers/%s/action' % uuid, {name: arguments}, version, raw=True)

    def evacuate(self, uuid, **arguments):
        return self.action(uuid, 'evacuate', arguments)

    def wait_server(self, uuid, status, timeout_s=60):
        return wait_until(lambda: (lambda s: s if s['status'] == status else None)(self.server(uuid)),
                          timeout_s, 'server %s %s' % (uuid, status), 0.2)

    def migrations(self, **filters):
        query = urllib.parse.urlencode(dict({'migration_type': 'evacuation'}, **filters))
        return self.nova('GET', '/os-migrations?' + query)['migrations']

    def wait_evacuated(self, uuids, source, timeout_s=90):
        """Until each has a `done` evacuation from `source` and lives elsewhere."""
        def moved():
            done = {m['instance_uuid'] for m in self.migrations(source_compute=source)
                    if m['status'] == 'done'}
            if not set(uuids) <= done:
                return False
            return all(self.server(u)['OS-EXT-SRV-ATTR:host'] != source for u in uuids)
        wait_until(moved, timeout_s, 'evacuation from ' + source, 0.2)

    def delete_all(self, timeout_s=60):
        for server in self.servers():
            self.nova('DELETE', '/servers/' + server['id'], raw=True)
        wait_until(lambda: not self.servers(), timeout_s, 'deletion of all servers', 0.3)

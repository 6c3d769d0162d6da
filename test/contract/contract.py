#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What Osha relies on of Keystone and Nova, asked of a running cloud. osha-cloudsim passes it, and so does OpenStack.

The cloud must have at least three compute hosts, and the host given with --host at least two ACTIVE servers that may be moved; everything is
put back except that those servers end elsewhere. --off and --on switch the power of the machine called {host}; they run without a shell.
Shapes are compared with recorded answers of Nova 26.2 (--samples). Prints one line a check, then `N passed, N failed, N skipped`.
"""
import argparse
import json
import os
import shlex
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

MICROVERSION = '2.90'


class Failed(Exception):
    """A check's finding."""


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        try:
            self.json = json.loads(body) if body else None
        except ValueError:
            self.json = None

    def message(self):
        return next(iter(self.json.values()))['message'] if self.json else ''


class Cloud:
    """A logged-in client."""

    def __init__(self, args):
        self.args = args
        self.context = ssl.create_default_context(cafile=args.cacert) if args.auth_url.startswith('https') else None
        self.token = None
        self.compute = None

    def http(self, method, url, body=None, headers=None):
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(url, data=data, method=method, headers={'Content-Type': 'application/json', **(headers or {})})
        try:
            with urllib.request.urlopen(request, timeout=90, context=self.context) as reply:
                return Answer(reply.status, reply.headers, reply.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read())

    def log_in(self, password=None):
        user = {'name': self.args.user, 'domain': {'id': 'default'}, 'password': password or self.args.password}
        scope = {'project': {'name': self.args.project, 'domain': {'id': 'default'}}}
        body = {'auth': {'identity': {'methods': ['password'], 'password': {'user': user}}, 'scope': scope}}
        return self.http('POST', self.args.auth_url + '/auth/tokens', body)

    def nova(self, method, path, body=None, microversion=MICROVERSION, token=True):
        headers = {'OpenStack-API-Version': 'compute ' + microversion}
        if token:
            headers['X-Auth-Token'] = self.token
        return self.http(method, self.compute + path, body, headers)

    def service(self, host):
        rows = self.nova('GET', '/os-services?binary=nova-compute&host=' + urllib.parse.quote(host)).json['services']
        return rows[0]

    def put_service(self, host, body):
        return self.nova('PUT', '/os-services/' + self.service(host)['id'], body)

    def server(self, uuid):
        return self.nova('GET', '/servers/' + uuid).json['server']

    def servers(self, host):
        return self.nova('GET', '/servers/detail?all_tenants=1&host=' + urllib.parse.quote(host)).json['servers']

    def act(self, uuid, body, microversion=MICROVERSION):
        return self.nova('POST', f'/servers/{uuid}/action', body, microversion)

    def evacuation(self, uuid):
        rows = self.nova('GET', '/os-migrations?instance_uuid=' + uuid).json['migrations']
        rows = [r for r in rows if r['migration_type'] == 'evacuation']
        return rows[0] if rows else None

    def switch(self, host, state):
        command = self.args.on if state == 'on' else self.args.off
        subprocess.run([part.replace('{host}', host) for part in shlex.split(command)], check=True, stdout=subprocess.DEVNULL)


def equal(found, wanted, what):
    if found != wanted:
        raise Failed(f'{what}: {found!r}, wanted {wanted!r}')


def until(what, limit, condition):
    end = time.monotonic() + limit
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise Failed(f'{what}: not within {limit} s')
        time.sleep(0.05)


def shape(found, wanted, where, findings):
    """Compare member names and kinds, not values. null stands for any kind; of lists the first elements are compared."""
    if found is None or wanted is None:
        return
    if isinstance(found, dict) and isinstance(wanted, dict):
        for name in sorted(set(found) ^ set(wanted)):
            findings.append(f'{where}.{name} {"missing" if name in wanted else "unknown"}')
        for name in set(found) & set(wanted):
            shape(found[name], wanted[name], f'{where}.{name}', findings)
    elif isinstance(found, list) and isinstance(wanted, list):
        if found and wanted:
            shape(found[0], wanted[0], where + '[]', findings)
    elif type(found) is not type(wanted):
        findings.append(f'{where} is {type(found).__name__}, not {type(wanted).__name__}')


def like_sample(cloud, answer, name, ignore=()):
    with open(os.path.join(cloud.args.samples, name), encoding='utf-8') as f:
        wanted = json.load(f)
    findings = []
    shape(answer.json, wanted, '', findings)
    findings = [f for f in findings if not any(part in f for part in ignore)]
    if findings:
        raise Failed(f'{name}: ' + '; '.join(findings[:5]))


# Each check is a function of the cloud; its docstring is its name. They run in this order, and later ones build on earlier ones.

def token(cloud):
    """a token is given for the right password, with a catalog that names compute"""
    answer = cloud.log_in()
    equal(answer.status, 201, 'status')
    like_sample(cloud, answer, 'keystone__POST___v3_auth_tokens__201__ok.json')
    cloud.token = answer.headers['X-Subject-Token']
    rows = [e for s in answer.json['token']['catalog'] if s['type'] == 'compute' for e in s['endpoints'] if e['interface'] == 'public']
    cloud.compute = rows[0]['url'].rstrip('/')


def wrong_password(cloud):
    """a wrong password is 401"""
    answer = cloud.log_in('not the password')
    equal(answer.status, 401, 'status')
    like_sample(cloud, answer, 'keystone__POST___v3_auth_tokens__401__wrong-password.json')


def people(cloud):
    """projects, users and their effective roles can be read by name"""
    headers = {'X-Auth-Token': cloud.token}
    project = cloud.servers(cloud.args.host)[0]['tenant_id']
    answer = cloud.http('GET', f'{cloud.args.auth_url}/projects/{project}', None, headers)
    like_sample(cloud, answer, 'keystone__GET___v3_projects_{id}__200.json')
    answer = cloud.http('GET', f'{cloud.args.auth_url}/role_assignments?scope.project.id={project}&effective&include_names', None, headers)
    like_sample(cloud, answer, 'keystone__GET___v3_role_assignments@scope.project.id={id}&include_names__200.json', ('.membership',))
    users = [r['user']['id'] for r in answer.json['role_assignments']]
    answer = cloud.http('GET', f'{cloud.args.auth_url}/users/{users[0]}', None, headers)
    equal(answer.json['user']['id'], users[0], 'id of the user')


def versions(cloud):
    """the version document says what is served; one more is 406"""
    answer = cloud.http('GET', cloud.compute + '/')
    like_sample(cloud, answer, 'nova__GET___v2.1___200.json')
    major, minor = answer.json['version']['version'].split('.')
    answer = cloud.nova('GET', '/os-services', microversion=f'{major}.{int(minor) + 1}')
    equal(answer.status, 406, 'status')


def no_token(cloud):
    """no token is 401"""
    equal(cloud.nova('GET', '/os-services', token=False).status, 401, 'status')


def services(cloud):
    """services are listed in the shape of each microversion, filtered by the exact host"""
    for microversion in ('2.1', '2.53', '2.69', '2.90'):
        answer = cloud.nova('GET', '/os-services?binary=nova-compute', microversion=microversion)
        equal(answer.headers['OpenStack-API-Version'], 'compute ' + microversion, 'microversion in the answer')
        like_sample(cloud, answer, f'nova__GET___v2.1_os-services@binary=nova-compute__mv{microversion}__200__all-up.json')
    row = cloud.service(cloud.args.host)
    equal((row['host'], row['state'], row['forced_down']), (cloud.args.host, 'up', False), 'service')
    rows = cloud.nova('GET', '/os-services?host=' + cloud.args.host[:-1]).json['services']
    equal([r for r in rows if r['host'] == cloud.args.host], [], 'host found by a part of its name')


def servers(cloud):
    """servers are listed long and short, page by page, filtered by the exact host"""
    host = urllib.parse.quote(cloud.args.host)
    answer = cloud.nova('GET', f'/servers/detail?all_tenants=1&host={host}')
    like_sample(cloud, answer, 'nova__GET___v2.1_servers_detail@host=cmp-01&all_tenants=1__mv2.90__200.json',
                ('.metadata', '.addresses', '.servers_links'))
    wanted = sorted(s['id'] for s in answer.json['servers'])
    found, path = [], f'/servers?all_tenants=1&host={host}&limit=1'
    while path:
        answer = cloud.nova('GET', path)
        found += [s['id'] for s in answer.json['servers']]
        links = answer.json.get('servers_links', [])
        path = links[0]['href'].split('/v2.1', 1)[1] if links else None
    equal(sorted(found), wanted, 'servers found page by page')


def refusals(cloud):
    """evacuate is refused: host up, unknown server, unknown members"""
    uuid = cloud.servers(cloud.args.host)[0]['id']
    answer = cloud.act(uuid, {'evacuate': {}})
    equal((answer.status, answer.message()), (400, f'Compute service of {cloud.args.host} is still in use.'), 'host up')
    nobody = '00000000-0000-0000-0000-000000000000'
    answer = cloud.act(nobody, {'evacuate': {}})
    equal((answer.status, answer.message()), (404, f'Instance {nobody} could not be found.'), 'unknown server')
    equal(cloud.act(uuid, {'evacuate': {'host': cloud.args.host, 'force': True}}).status, 400, 'force')
    equal(cloud.act(uuid, {'evacuate': {'host': cloud.args.host}}).status, 400, 'the source as target')
    equal(cloud.act(uuid, {'evacuate': {'host': 'nowhere'}}).status, 404, 'unknown target')


def stop(cloud):
    """a server is stopped"""
    cloud.stopped = cloud.servers(cloud.args.host)[0]['id']
    cloud.plain = cloud.servers(cloud.args.host)[1]['id']
    equal(cloud.act(cloud.stopped, {'os-stop': None}).status, 202, 'status')
    until('SHUTOFF', 60, lambda: cloud.server(cloud.stopped)['status'] == 'SHUTOFF')


def force_down(cloud):
    """a dead host is forced down at once, then disabled with a reason"""
    cloud.switch(cloud.args.host, 'off')
    answer = cloud.put_service(cloud.args.host, {'forced_down': True})
    equal(answer.status, 200, 'status')
    like_sample(cloud, answer, 'nova__PUT___v2.1_os-services_{id}__mv2.90__200__forced-down.json')
    answer = cloud.put_service(cloud.args.host, {'status': 'disabled', 'disabled_reason': 'contract suite'})
    row = answer.json['service']
    equal((row['state'], row['status'], row['disabled_reason'], row['forced_down']), ('down', 'disabled', 'contract suite', True), 'service')
    equal(cloud.server(cloud.plain)['host_status'], 'DOWN', 'host_status')


def evacuate(cloud):
    """an evacuation goes its known way and is over when the record is done and the host another"""
    answer = cloud.act(cloud.plain, {'evacuate': {}})
    equal((answer.status, answer.body), (200, b''), 'answer')
    statuses, tasks = set(), set()

    def over():
        server, record = cloud.server(cloud.plain), cloud.evacuation(cloud.plain)
        tasks.add(server['OS-EXT-STS:task_state'])
        statuses.add(record['status'])
        return record['status'] == 'done' and server['OS-EXT-SRV-ATTR:host'] != cloud.args.host

    until('evacuation done', 120, over)
    strange = tasks - {None, 'rebuilding', 'rebuild_block_device_mapping', 'rebuild_spawning'}
    equal(strange, set(), 'task states')
    equal(statuses - {'accepted', 'pre-migrating', 'done'}, set(), 'migration states')
    server = cloud.server(cloud.plain)
    equal((server['status'], server['OS-EXT-STS:task_state']), ('ACTIVE', None), 'server')
    answer = cloud.nova('GET', '/os-migrations?instance_uuid=' + cloud.plain)
    like_sample(cloud, answer, 'nova__GET___v2.1_os-migrations@instance_uuid={id}__mv2.90__200__evacuating.json')
    equal(cloud.evacuation(cloud.plain)['source_compute'], cloud.args.host, 'source of the record')
    equal(cloud.act(cloud.plain, {'evacuate': {}}).status, 400, 'again, on its living host')


def evacuate_stopped(cloud):
    """a stopped server is stopped after its evacuation"""
    equal(cloud.act(cloud.stopped, {'evacuate': {}}).status, 200, 'status')
    until('evacuation done', 120, lambda: cloud.evacuation(cloud.stopped)['status'] == 'done')
    equal(cloud.server(cloud.stopped)['status'], 'SHUTOFF', 'status of the server')


def by_source(cloud):
    """evacuations are found by their source and status"""
    host = urllib.parse.quote(cloud.args.host)
    rows = cloud.nova('GET', f'/os-migrations?source_compute={host}&migration_type=evacuation&status=done').json['migrations']
    equal({cloud.plain, cloud.stopped} - {r['instance_uuid'] for r in rows}, set(), 'instances missing')


def take_back(cloud):
    """forced-down cannot be cleared before nova-compute has started again; then it can"""
    answer = cloud.put_service(cloud.args.host, {'forced_down': False})
    equal(answer.status, 400, 'status')
    if '`done` evacuation migration records remain' not in answer.message():
        raise Failed('message: ' + answer.message())
    cloud.switch(cloud.args.host, 'on')
    until('records completed', 120, lambda: cloud.evacuation(cloud.plain)['status'] == 'completed')
    until('forced-down cleared', 60, lambda: cloud.put_service(cloud.args.host, {'forced_down': False}).status == 200)
    equal(cloud.put_service(cloud.args.host, {'status': 'enabled'}).status, 200, 'enable')
    until('up', 60, lambda: cloud.service(cloud.args.host)['state'] == 'up')
    until('started', 60, lambda: cloud.act(cloud.stopped, {'os-start': None}).status == 202)


CHECKS = (token, wrong_password, people, versions, no_token, services, servers, refusals, stop, force_down, evacuate, evacuate_stopped,
          by_source, take_back)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name, words in (('auth-url', 'of Keystone, with /v3'), ('user', 'an administrator'), ('project', 'of the administrator'),
                        ('host', 'name of the compute host to fail'), ('off', 'command that cuts the power of {host}'),
                        ('on', 'command that gives it back and starts its nova-compute'), ('samples', 'folder of recorded answers')):
        parser.add_argument('--' + name, required=True, help=words)
    parser.add_argument('--cacert')
    args = parser.parse_args()
    args.password = os.environ['OS_PASSWORD']
    cloud = Cloud(args)
    passed = failed = skipped = 0
    for check in CHECKS:
        if failed and check is not wrong_password and cloud.compute is None:
            skipped += 1
            continue
        try:
            check(cloud)
            passed += 1
            print('ok     ' + check.__doc__)
        except (Failed, LookupError, TypeError, AttributeError, OSError, subprocess.CalledProcessError) as why:
            failed += 1
            print(f'FAILED {check.__doc__}: {type(why).__name__}: {why}')
    print(f'{passed} passed, {failed} failed, {skipped} skipped')
    return failed > 0


if __name__ == '__main__':
    sys.exit(main())

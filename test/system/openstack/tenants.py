# SPDX-License-Identifier: Apache-2.0
"""What lives in a rig's Keystone, Glance and Nova before any case: users, catalogue, image, flavor.

alice is a member of project alpha, bob of beta, both with an e-mail address.
"""
import json

from cloud_client import Cloud, http_json
from confs import SERVICE_USER
from rig_layout import REGION, read_json, write_file

PEOPLE = {'alice': 'alpha', 'bob': 'beta'}
ADMIN_MAIL = 'ops@example.com'


def mail_of(user):
    return user + '@example.com'


def _role(cloud, name):
    found = cloud.keystone('GET', '/roles?name=' + name)['roles']
    return found[0]['id'] if found else cloud.keystone(
        'POST', '/roles', {'role': {'name': name}})['role']['id']


def _project(cloud, name):
    return cloud.keystone('POST', '/projects', {'project': {
        'name': name, 'domain_id': 'default'}})['project']['id']


def _user(cloud, name, mail=None):
    user = {'name': name, 'password': cloud.layout.password, 'domain_id': 'default'}
    if mail:
        user['email'] = mail
    return cloud.keystone('POST', '/users', {'user': user})['user']['id']


def _grant(cloud, project, user, role):
    cloud.keystone('PUT', '/projects/%s/users/%s/roles/%s' % (project, user, role))


def _endpoint(cloud, kind, name, urls):
    service = cloud.keystone('POST', '/services', {'service': {
        'type': kind, 'name': name}})['service']['id']
    for interface, url in urls.items():
        cloud.keystone('POST', '/endpoints', {'endpoint': {
            'service_id': service, 'interface': interface, 'region_id': REGION, 'url': url}})


def make_identity(layout):
    """Needs Keystone alone. All clients reach Nova through the fault proxy; `admin` does not."""
    cloud = Cloud(layout)
    admin, member = _role(cloud, 'admin'), _role(cloud, 'member')
    service = _project(cloud, 'service')
    _grant(cloud, service, _user(cloud, SERVICE_USER), admin)
    proxied, direct = layout.url('proxy', '/v2.1'), layout.url('nova', '/v2.1')
    _endpoint(cloud, 'compute', 'nova', {'public': proxied, 'internal': proxied, 'admin': direct})
    for kind, name in (('placement', 'placement'), ('image', 'glance'), ('network', 'neutron')):
        url = layout.url(name)
        _endpoint(cloud, kind, name, {'public': url, 'internal': url, 'admin': url})
    me = cloud.keystone('GET', '/users?name=admin')['users'][0]['id']
    cloud.keystone('PATCH', '/users/' + me, {'user': {'email': ADMIN_MAIL}})
    projects = {'admin': cloud.keystone('GET', '/projects?name=admin')['projects'][0]['id']}
    users = {'admin': me}
    for person, project in PEOPLE.items():
        projects[project] = _project(cloud, project)
        users[person] = _user(cloud, person, mail_of(person))
        _grant(cloud, projects[project], users[person], member)
    _remember(layout, projects=projects, users=users)


def _remember(layout, **facts):
    path = layout.path('runtime.json')
    write_file(path, json.dumps(dict(read_json(path, {}), **facts)))


def make_image(layout):
    cloud = Cloud(layout)
    image = cloud.call('glance', 'POST', '/v2/images', {
        'name': 'void', 'disk_format': 'raw', 'container_format': 'bare',
        'visibility': 'public'})['id']
    status, _, value = http_json(
        'PUT', layout.url('glance', '/v2/images/%s/file' % image), b'\0' * 512,
        {'X-Auth-Token': cloud.token(), 'Content-Type': 'application/octet-stream'})
    if status != 204:
        raise RuntimeError('image: %d %s' % (status, value))
    return image


def make_flavors(layout):
    """`tiny`, and `huge`, of which a host takes one only (disk 0 would be for admins only)."""
    cloud = Cloud(layout)
    for name, ram in (('tiny', 64), ('huge', 500000)):
        cloud.nova('POST', '/flavors', {'flavor': {
            'name': name, 'ram': ram, 'vcpus': 1, 'disk': 1, 'id': name}}, '2.54')
    return 'tiny'


def make_furniture(layout):
    """Needs Glance and Nova."""
    _remember(layout, image=make_image(layout), flavor=make_flavors(layout))


def clouds_yaml(layout):
    """A clouds.yaml that works: `rig` (admin), `rig-system`, `alice`, `bob`. JSON is YAML."""
    def entry(user, scope):
        auth = {'auth_url': layout.url('keystone', '/v3'), 'username': user,
                'password': layout.password, 'user_domain_name': 'Default'}
        auth.update(scope)
        return {'auth': auth, 'region_name': REGION, 'interface': 'public',
                'identity_api_version': 3}

    def project(name):
        return {'project_name': name, 'project_domain_name': 'Default'}
    clouds = {'rig': entry('admin', project('admin')),
              'rig-system': entry('admin', {'system_scope': 'all'})}
    for person, name in PEOPLE.items():
        clouds[person] = entry(person, project(name))
    lines = ['clouds:']
    for name, value in clouds.items():
        lines.append('  %s:' % name)
        lines.append('    auth:')
        lines += ['      %s: "%s"' % pair for pair in value.pop('auth').items()]
        lines += ['    %s: %s' % pair for pair in value.items()]
    return '\n'.join(lines) + '\n'

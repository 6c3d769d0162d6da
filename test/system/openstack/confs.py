# SPDX-License-Identifier: Apache-2.0
"""Configuration files of the OpenStack services of a rig, written from its layout.

Only what differs from the defaults and why it must; starting the services is left to control.py.
"""
import os

from rig_layout import REGION, write_file

HERE = os.path.dirname(os.path.abspath(__file__))
SERVICE_USER = 'svc'

_AUTH = '''auth_type = password
auth_url = %(keystone)s/v3
username = %(user)s
password = %(password)s
project_name = service
user_domain_id = default
project_domain_id = default
region_name = %(region)s
'''


def _auth(layout):
    return _AUTH % {'keystone': layout.url('keystone'), 'user': SERVICE_USER,
                    'password': layout.password, 'region': REGION}


def _authtoken(layout):
    return '[keystone_authtoken]\nwww_authenticate_uri = %s/v3\n%s' % (
        layout.url('keystone'), _auth(layout))


def _database(layout, name, section='database'):
    return '[%s]\nconnection = %s\nmax_pool_size = 5\n' % (section, layout.db_url(name))


def write_keystone(layout):
    os.makedirs(layout.conf('keystone'), exist_ok=True)
    write_file(layout.conf('keystone', 'keystone.conf'), '\n'.join([
        '[DEFAULT]', 'use_stderr = true', 'log_dir =',
        _database(layout, 'keystone'),
        '[token]', 'provider = fernet', 'expiration = 86400',
        '[fernet_tokens]', 'key_repository = %s' % layout.conf('keystone', 'fernet'),
        '[fernet_receipts]', 'key_repository = %s' % layout.conf('keystone', 'fernet'),
        '[credential]', 'key_repository = %s' % layout.conf('keystone', 'credential'),
        # 4 is the least bcrypt allows: passwords of a test need no strength, logins need speed
        '[identity]', 'password_hash_rounds = 4', '']), 0o600)


def write_placement(layout):
    os.makedirs(layout.conf('placement'), exist_ok=True)
    write_file(layout.conf('placement', 'placement.conf'), '\n'.join([
        '[DEFAULT]', 'use_stderr = true',
        _database(layout, 'placement', 'placement_database'),
        '[api]', 'auth_strategy = keystone', _authtoken(layout)]), 0o600)


def write_glance(layout):
    os.makedirs(layout.conf('glance'), exist_ok=True)
    os.makedirs(layout.path('images'), exist_ok=True)
    write_file(layout.conf('glance', 'glance-api.conf'), '\n'.join([
        '[DEFAULT]', 'use_stderr = true', 'enabled_backends = disk:file',
        'node_staging_uri = file://%s' % layout.path('staging'),
        _database(layout, 'glance'),
        '[glance_store]', 'default_backend = disk',
        '[disk]', 'filesystem_store_datadir = %s' % layout.path('images'),
        '[os_glance_staging_store]', 'filesystem_store_datadir = %s' % layout.path('staging'),
        '[os_glance_tasks_store]', 'filesystem_store_datadir = %s' % layout.path('staging'),
        '[paste_deploy]', 'flavor = keystone',
        'config_file = %s' % layout.conf('glance', 'glance-api-paste.ini'),
        _authtoken(layout)]), 0o600)
    write_file(layout.conf('glance', 'glance-api-paste.ini'), _GLANCE_PASTE)
    os.makedirs(layout.path('staging'), exist_ok=True)


def write_nova(layout):
    """nova.conf for all, nova-db.conf for those who may ask the database (never nova-compute)."""
    write_file(layout.conf('api-paste.ini'), _NOVA_PASTE)
    # alice and bob may say where their servers start; by default only admins may
    write_file(layout.conf('policy.yaml'),
               '"compute:servers:create:requested_destination": "@"\n')
    write_file(layout.conf('nova-db.conf'),
               _database(layout, 'nova_cell1') + _database(layout, 'nova_api', 'api_database'),
               0o600)
    # for an api that shall give up a cell whose database is gone after 2 s, not after 60
    write_file(layout.conf('nova-impatient.conf'),
               '[database]\nmax_retries = 1\nretry_interval = 1\n')
    write_file(layout.conf('nova.conf'), _NOVA % {
        'dir': layout.dir, 'address': layout.control, 'transport': layout.amqp_url(),
        'report': layout.report_s, 'down': layout.down_s,
        'policy': layout.conf('policy.yaml'), 'paste': layout.conf('api-paste.ini'), 'api_port': layout.port('nova'),
        'auth': _auth(layout), 'authtoken': _authtoken(layout),
        'glance': layout.url('glance'), 'neutron': layout.url('neutron'),
    }, 0o600)
    for host in layout.hosts:
        write_compute(layout, host)


def write_compute(layout, host, extra=''):
    state = layout.host_dir(host, 'state')
    os.makedirs(os.path.join(state, 'instances'), exist_ok=True)
    write_file(layout.host_dir(host, 'nova-compute.conf'), '\n'.join([
        '[DEFAULT]', 'host = %s' % host, 'state_path = %s' % state,
        'compute_driver = guestfile.GuestFileDriver',
        '[oslo_concurrency]', 'lock_path = %s/lock' % state, extra, '']))


def write_all(layout):
    write_keystone(layout)
    write_placement(layout)
    write_glance(layout)
    write_nova(layout)


_NOVA = '''[DEFAULT]
use_stderr = true
host = ctl
my_ip = %(address)s
state_path = %(dir)s/nova
transport_url = %(transport)s
report_interval = %(report)d
service_down_time = %(down)d
# without it each periodic task, host discovery among them, begins up to 60 s late
periodic_fuzzy_delay = 0
osapi_compute_listen = %(address)s
osapi_compute_listen_port = %(api_port)d
osapi_compute_workers = 1
graceful_shutdown_timeout = 2
reserved_host_memory_mb = 0
ram_allocation_ratio = 1.0
heal_instance_info_cache_interval = -1
bandwidth_poll_interval = -1
volume_usage_poll_interval = 0
instance_usage_audit = false
running_deleted_instance_poll_interval = 0
reclaim_instance_interval = 0
rpc_response_timeout = 60
[api]
auth_strategy = keystone
[wsgi]
api_paste_config = %(paste)s
[conductor]
workers = 1
[scheduler]
workers = 1
discover_hosts_in_cells_interval = 2
[filter_scheduler]
# equal hosts else get all of a burst on the first of them
shuffle_best_same_weighed_hosts = true
enabled_filters = ComputeFilter,AvailabilityZoneFilter,ComputeCapabilitiesFilter,ImagePropertiesFilter,ServerGroupAntiAffinityFilter,ServerGroupAffinityFilter
track_instance_changes = true
[quota]
instances = -1
cores = -1
ram = -1
server_groups = -1
server_group_members = -1
[glance]
api_servers = %(glance)s
[image_cache]
manager_interval = -1
[vnc]
enabled = false
[oslo_concurrency]
lock_path = %(dir)s/nova/lock
[oslo_policy]
policy_file = %(policy)s
[oslo_messaging_notifications]
driver = noop
[neutron]
endpoint_override = %(neutron)s
%(auth)s
[placement]
%(auth)s
%(authtoken)s
'''

_NOVA_PASTE = '''[composite:osapi_compute]
use = call:nova.api.openstack.urlmap:urlmap_factory
/: oscomputeversions
/v2.1: openstack_compute_api_v21

[composite:openstack_compute_api_v21]
use = call:nova.api.auth:pipeline_factory_v21
keystone = http_proxy_to_wsgi compute_req_id faultwrap request_log sizelimit authtoken keystonecontext osapi_compute_app_v21

[pipeline:oscomputeversions]
pipeline = http_proxy_to_wsgi faultwrap request_log oscomputeversionapp

[app:osapi_compute_app_v21]
paste.app_factory = nova.api.openstack.compute:APIRouterV21.factory

[app:oscomputeversionapp]
paste.app_factory = nova.api.openstack.compute.versions:Versions.factory

[filter:request_log]
paste.filter_factory = nova.api.openstack.requestlog:RequestLog.factory

[filter:compute_req_id]
paste.filter_factory = nova.api.compute_req_id:ComputeReqIdMiddleware.factory

[filter:faultwrap]
paste.filter_factory = nova.api.openstack:FaultWrapper.factory

[filter:sizelimit]
paste.filter_factory = oslo_middleware:RequestBodySizeLimiter.factory

[filter:http_proxy_to_wsgi]
paste.filter_factory = oslo_middleware.http_proxy_to_wsgi:HTTPProxyToWSGI.factory

[filter:keystonecontext]
paste.filter_factory = nova.api.auth:NovaKeystoneContext.factory

[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
'''

_GLANCE_PASTE = '''[pipeline:glance-api-keystone]
pipeline = versionnegotiation authtoken context rootapp

[composite:rootapp]
paste.composite_factory = glance.api:root_app_factory
/: apiversions
/v2: apiv2app

[app:apiversions]
paste.app_factory = glance.api.versions:create_resource

[app:apiv2app]
paste.app_factory = glance.api.v2.router:API.factory

[filter:versionnegotiation]
paste.filter_factory = glance.api.middleware.version_negotiation:VersionNegotiationFilter.factory

[filter:context]
paste.filter_factory = glance.api.middleware.context:ContextMiddleware.factory

[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
delay_auth_decision = true
'''

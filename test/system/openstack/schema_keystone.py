# SPDX-License-Identifier: Apache-2.0
"""Makes Keystone's schema, keys, admin user and catalogue of itself, in one process."""
import os
import sys

from rig_layout import REGION, Layout

LAYOUT = Layout(sys.argv[1])


def command(*args):
    from keystone.cmd import cli
    return [cli, ['keystone-manage', '--config-file', LAYOUT.conf('keystone', 'keystone.conf')]
            + list(args)]


def main():
    """One child for each keystone-manage call: its option parser serves one call only; the
    imports, the dear part, are done once before the forks."""
    url = LAYOUT.url('keystone', '/v3')
    calls = [
        ('db_sync',),
        ('fernet_setup', '--keystone-user', 'root', '--keystone-group', 'root'),
        ('credential_setup', '--keystone-user', 'root', '--keystone-group', 'root'),
        ('bootstrap', '--bootstrap-password', LAYOUT.password, '--bootstrap-region-id', REGION,
         '--bootstrap-public-url', url, '--bootstrap-internal-url', url,
         '--bootstrap-admin-url', url),
    ]
    for call in calls:
        cli, argv = command(*call)
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                sys.argv = argv
                status = cli.main(argv, None) or 0
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        if os.waitpid(pid, 0)[1]:
            return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())

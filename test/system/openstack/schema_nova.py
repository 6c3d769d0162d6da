# SPDX-License-Identifier: Apache-2.0
"""Makes Nova's schemas and its two cells, in one process: each start of nova-manage costs seconds."""
import sys

from rig_layout import Layout

LAYOUT = Layout(sys.argv[1])
sys.argv = ['nova-manage', '--config-file', LAYOUT.conf('nova.conf'),
            '--config-file', LAYOUT.conf('nova-db.conf'), 'api_db', 'sync']

from nova.cmd import manage  # noqa: E402  pylint: disable=wrong-import-position


def main():
    cells = manage.CellV2Commands()
    return (manage.main() or cells.map_cell0(LAYOUT.db_url('nova_cell0'))
            or manage.DbCommands().sync() or cells.create_cell(name='cell1'))


if __name__ == '__main__':
    sys.exit(main())

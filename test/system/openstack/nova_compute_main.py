# SPDX-License-Identifier: Apache-2.0
"""nova-compute with the drivers of the folder virt/ beside nova's own."""
import os
import sys

# `compute_driver` is looked up below nova.virt only.
import nova.monkey_patch  # noqa: F401  pylint: disable=unused-import
import nova.virt

nova.virt.__path__.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'virt'))
sys.argv[0] = 'nova-compute'

from nova.cmd.compute import main  # noqa: E402  pylint: disable=wrong-import-position

main()

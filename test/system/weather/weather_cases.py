# SPDX-License-Identifier: Apache-2.0
"""Weather that does not fit into a row. A case is a function named case_*; its first line of documentation is its name in the report."""

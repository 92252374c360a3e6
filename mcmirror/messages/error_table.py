"""The error table: how each error is recognised, what it means, what to do.

One row a category, one category a row. The first five rows answer the five headings of the troubleshooting page that
people of `minio-s3-mirror` know; a row grows with each real recording.
"""

from mcmirror.messages import error_table_runs, error_table_servers
from mcmirror.messages.error_row import Row

__all__ = ["TABLE", "Row"]

TABLE: tuple[Row, ...] = (*error_table_servers.TABLE, *error_table_runs.TABLE)
"""In the order in which phrases are tried and people read them."""

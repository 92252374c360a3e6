"""The table of everything that can go wrong: how it is recognised, what it means, what to do.

One row a category, one category a row. The first five rows answer the five headings of the troubleshooting page that
people of `minio-s3-mirror` know; a row grows with each real recording.
"""

from mcmirror.messages import troubles_of_runs, troubles_of_servers
from mcmirror.messages.row import Row

__all__ = ["TABLE", "Row"]

TABLE: tuple[Row, ...] = (*troubles_of_servers.TABLE, *troubles_of_runs.TABLE)
"""In the order in which phrases are tried and people read them."""

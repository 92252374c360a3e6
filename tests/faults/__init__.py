"""The matrix of faults: each row is set up twice on real servers, once for bare ``mc mirror`` and once for mcmirror."""

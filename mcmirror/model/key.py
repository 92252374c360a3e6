"""Keys that a file system, or a server like one, reads as others."""


def twin(key: str) -> str:
    """The key that a server stores for this one if it takes a backslash for a slash (SeaweedFS); empty without one."""
    return key.replace("\\", "/") if "\\" in key else ""


def folds(key: str) -> bool:
    """Whether a program that joins paths as a file system does (mc), or a server like it, reads another key in this."""
    segments = key.split("/")
    return "" in segments[:-1] or "." in segments or ".." in segments

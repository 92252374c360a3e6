"""The table of everything that can go wrong: how it is recognised, what it means, what to do.

One row a category, one category a row. The first five rows answer the five headings of the troubleshooting page that
people of `minio-s3-mirror` know; a row grows with each real recording.
"""

from dataclasses import dataclass

from mcmirror.model.problem import Category


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of trouble."""

    category: Category
    cause: str
    """What it means: a sentence without its capital and its full stop, so that it can follow a colon."""
    remedy: str
    """What to do."""
    codes: tuple[str, ...] = ()
    """S3 error codes, looked up before any phrase."""
    phrases: tuple[str, ...] = ()
    """Regular expressions, case-insensitive, over ``message + newline + cause`` with quoted names blanked."""
    headings: tuple[str, ...] = ()
    """Other words under which people know it; for ``explain`` only."""
    evidence: tuple[str, ...] = ()
    """Recordings of mc (names) or tests (``test_...``) that show it."""
    retryable: bool = False


TABLE: tuple[Row, ...] = (
    Row(
        Category.MC_DIED,
        cause="mc ended before its work was done and did not say why",
        remedy="Run it again with --debug to see mc's own lines. Look for a kill from outside (memory limit of the "
        "container, a time limit of the CI step); then check names, network and keys with `mcmirror doctor`.",
        phrases=(r"process closed with code", r"exit code -?\d+$", r"^panic: ", r"signal: killed"),
        headings=("Mirror process closed with code: 1", "mc exited with code 1", "mc was killed"),
        evidence=("mirror_sigkill", "mirror_sigterm"),
    ),
    Row(
        Category.SOURCE_NOT_FOUND,
        cause="there is nothing at the source: the folder or prefix does not exist",
        remedy="Check the spelling of the source (alias/bucket/prefix, or a folder beginning with / or ./), that the "
        "folder is mounted, and that the prefix holds objects today (`mc ls ALIAS/BUCKET/PREFIX`).",
        phrases=(
            r"unable to stat source[^\n]*\n.*object does not exist",
            r"requested path .* not (found|a directory)",
            r"(monitoring|stat source|start mirroring)[^\n]*\n.*no such file or directory",
        ),
        headings=("Unable to stat source",),
        evidence=("mirror_src_prefix_missing", "mirror_remove_missing_dir", "mirror_unknown_alias_src"),
    ),
    Row(
        Category.CONNECTION_REFUSED,
        cause="nothing answers at this address and port",
        remedy="Check the alias's URL (http:// or https://, host, port), that the server runs, and that firewall and "
        "security groups let this machine reach the port: `mcmirror alias test NAME`.",
        phrases=(
            r"(?s)\A(?!.*\blookup\b).*connection refused",
            r"no route to host",
            r"network is unreachable",
            r"host is (down|unreachable)",
        ),
        headings=("Failed to set alias", "Unable to initialize new alias", "ECONNREFUSED"),
        evidence=("mirror_src_conn_refused", "mirror_tgt_conn_refused", "mirror_tgt_killed", "alias_set_refused"),
        retryable=True,
    ),
    Row(
        Category.PERMISSION,
        cause="the key is known but may not do this",
        remedy="Give the access key's policy s3:ListBucket and s3:GetObject on the source, s3:ListBucket, s3:PutObject "
        "and s3:AbortMultipartUpload on the target, s3:DeleteObject too with `remove`. For a folder, check its owner "
        "and mode. `mcmirror doctor` tries each right.",
        codes=("AccessDenied", "AllAccessDisabled", "AccountProblem", "ObjectLocked", "403 Forbidden"),
        phrases=(
            r"access denied",
            r"permission denied",
            r"insufficient permissions",
            r"operation not permitted",
            r"read-only file system",
            r"worm protected",
        ),
        headings=("Failed to access alias", "403", "Forbidden"),
        evidence=(
            "mirror_tgt_list_denied",
            "mirror_src_list_denied",
            "mirror_src_read_denied_some",
            "mirror_tgt_delete_denied",
        ),
    ),
    Row(
        Category.OBJECT_VANISHED,
        cause="the object was listed and is gone",
        remedy="Check the path. Nothing is wrong if objects come and go at the source: the next run will not plan it. "
        "Otherwise see who deletes or moves them (a lifecycle rule, another job).",
        codes=("NoSuchKey", "NoSuchVersion"),
        phrases=(
            r"object does not exist",
            r"specified key does not exist",
            r"object is marked as deleted",
            r"no such file or directory",
        ),
        headings=("Object does not exist",),
        evidence=("stat_missing", "mirror_src_deleted_while"),
    ),
    Row(
        Category.CREDENTIALS,
        cause="the server refuses the keys: it does not know the access key, or the secret key is not its own",
        remedy="Correct the keys with `mcmirror alias set NAME`, and try them with `mcmirror alias test NAME`. A "
        "temporary key may have expired. Mind a newline or a space at the end of a secret file.",
        codes=(
            "InvalidAccessKeyId",
            "SignatureDoesNotMatch",
            "InvalidTokenId",
            "InvalidToken",
            "ExpiredToken",
            "ExpiredTokenException",
            "TokenRefreshRequired",
            "InvalidSecurity",
            "NotSignedUp",
            "XMinioInvalidIAMCredentials",
        ),
        phrases=(
            r"access key id you provided does not exist",
            r"request signature we calculated does not match",
            r"security token included in the request is (invalid|expired)",
            r"invalid (access|secret) key",
        ),
        headings=(
            "The Access Key Id you provided does not exist in our records",
            "wrong password",
            "invalid credentials",
            "401",
        ),
        evidence=(
            "mirror_wrong_access_src",
            "mirror_wrong_access_tgt",
            "mirror_wrong_secret_src",
            "mirror_wrong_secret_tgt",
            "alias_set_wrong_secret",
        ),
    ),
    Row(
        Category.BUCKET_NOT_FOUND,
        cause="there is no bucket of this name on the server",
        remedy="Check its spelling and that the alias names the right server (`mc ls ALIAS`). A target bucket is made "
        "with `create_target = true` (--create-target).",
        codes=("NoSuchBucket",),
        phrases=(r"bucket .*does not exist",),
        headings=("The specified bucket does not exist",),
        evidence=("mirror_src_bucket_missing", "mirror_tgt_bucket_missing", "ls_missing"),
    ),
    Row(
        Category.ALIAS_UNKNOWN,
        cause="no alias of this name is defined; mc would have taken it for a local folder",
        remedy="Define it with `mcmirror alias set NAME URL`, see `mcmirror alias list` for those that exist. A local "
        "folder is written with ./ or / before it.",
        phrases=(r"no such alias", r"alias .* (is not defined|does not exist|not found)"),
        evidence=("mirror_unknown_alias_tgt",),
    ),
    Row(
        Category.ADDRESS_NOT_RESOLVED,
        cause="the host's name has no address",
        remedy="Check the spelling of the host in the alias's URL and that this machine's DNS knows it (`getent hosts "
        "NAME`); in a container, its network and its DNS server.",
        phrases=(r"no such host", r"\blookup \S+.*:", r"name resolution", r"name or service not known"),
        headings=("no such host", "ENOTFOUND", "DNS"),
        evidence=("mirror_src_dns", "mirror_tgt_dns", "alias_set_dns"),
        retryable=True,
    ),
    Row(
        Category.TLS_NOT_TRUSTED,
        cause="the server's certificate is not trusted here",
        remedy='Name the authority that signed it: `ca_file = "/path/ca.pem"` in the alias. If it has expired or is '
        "for another name, renew it or use the name it was made for; if it is not yet valid, set this machine's clock.",
        phrases=(r"x509: ", r"failed to verify certificate", r"certificate (is not trusted|verify failed)"),
        headings=(
            "x509: certificate signed by unknown authority",
            "self-signed certificate",
            "CERTIFICATE_VERIFY_FAILED",
        ),
        evidence=("mb_selfsigned",),
    ),
    Row(
        Category.TLS_MISMATCH,
        cause="the address speaks TLS where plain HTTP was asked for, or the other way round",
        remedy="Exchange http:// and https:// in the alias's URL, or correct the port (MinIO's console has its own).",
        phrases=(
            r"server gave http response to https client",
            r"http request (was sent )?to (an )?https (server|port)",
            r"does not look like a tls handshake",
            r"malformed http response",
            r"remote error: tls: ",
            r"wrong version number",
        ),
        headings=("server gave HTTP response to HTTPS client",),
        evidence=("mirror_plain_to_tls", "mirror_tls_to_plain"),
    ),
    Row(
        Category.CLOCK_SKEW,
        cause="this machine's clock and the server's are more than 15 minutes apart",
        remedy="Set both clocks by NTP (`timedatectl set-ntp true`, chrony); `mcmirror doctor` shows the difference.",
        codes=("RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"),
        headings=("RequestTimeTooSkewed",),
        phrases=(r"request time and the (current|server'?s?)", r"time is too (large|skewed)"),
        evidence=("test_a_stub_server_makes_mc_say_it",),
    ),
    Row(
        Category.QUOTA,
        cause="the target bucket's quota is used up",
        remedy="Raise it (`mc quota set ALIAS/BUCKET --size 2TiB`) or make room in the bucket.",
        codes=("XMinioAdminBucketQuotaExceeded", "QuotaExceeded"),
        phrases=(r"quota exceeded",),
        headings=("Bucket quota exceeded",),
        evidence=("mirror_quota2",),
    ),
    Row(
        Category.DISK_FULL,
        cause="no space is left where the copies go",
        remedy="Free or add space on the target server's drives (or the local folder's file system), then run again: "
        "only what is missing is copied.",
        codes=("XMinioStorageFull", "InsufficientStorage", "507 Insufficient Storage"),
        phrases=(r"no space left on device", r"not enough space", r"minimum free drive", r"disk quota", r"disk full"),
        headings=("no space left on device", "XMinioStorageFull", "ENOSPC"),
        evidence=("test_a_stub_server_makes_mc_say_it",),
    ),
    Row(
        Category.THROTTLED,
        cause="the server asks for fewer requests at a time",
        remedy="It is tried again with growing pauses. If it stays, use fewer `workers`, a `limit_upload`, or run "
        "fewer jobs at once (`parallel`).",
        codes=(
            "SlowDown",
            "SlowDownRead",
            "SlowDownWrite",
            "TooManyRequests",
            "Throttling",
            "ThrottlingException",
            "RequestThrottled",
            "RequestLimitExceeded",
            "BandwidthLimitExceeded",
            "ServerBusy",
            "429 Too Many Requests",
        ),
        phrases=(r"reduce your request rate", r"too many requests", r"resource requested is unreadable"),
        headings=("SlowDown", "429", "rate limit"),
        evidence=("test_a_stub_server_makes_mc_say_it",),
        retryable=True,
    ),
    Row(
        Category.SERVER_ERROR,
        cause="the server, or a proxy before it, failed to answer the request",
        remedy="It is tried again with growing pauses. If it stays, look at the server's log and health (`mc "
        "admin info ALIAS`) and at the proxy's time and size limits.",
        codes=(
            "InternalError",
            "ServiceUnavailable",
            "XMinioServerNotInitialized",
            "XMinioIAMNotInitialized",
            "XMinioBucketMetadataNotInitialized",
            "XMinioBackendDown",
            "OperationAborted",
        ),
        phrases=(r"internal (server )?error", r"service unavailable", r"bad gateway", r"gateway time-?out"),
        headings=("We encountered an internal error", "500", "502", "503", "504"),
        evidence=("mirror_remove_srclist_500",),
        retryable=True,
    ),
    Row(
        Category.LISTING_BROKEN,
        cause="a listing ended before its end, so nothing can be said about the rest",
        remedy="Nothing was decided by it and nothing removed. Run again; if it stays, look for a proxy that cuts or "
        "rewrites answers, and at the server's log.",
        phrases=(
            r"(\blist|disk usage)[^\n]*\n(unexpected )?EOF$",
            r"xml syntax error",
            r"expected element type",
        ),
        headings=("Unable to list comparison",),
        evidence=("mirror_remove_srclist_cutbody", "mirror_remove_srclist_emptyxml"),
    ),
    Row(
        Category.STALLED,
        cause="the connection stood still: no answer, or not a byte for too long",
        remedy="Check that a firewall does not swallow packets on the way and that the server is not hung; a slow link "
        'may need a longer `stall_timeout = "10m"`.',
        codes=("RequestTimeout", "408 Request Timeout"),
        phrases=(
            r"i/o timeout",
            r"deadline exceeded",
            r"tls handshake timeout",
            r"timed? ?out",
            r"timeout (awaiting|exceeded)",
        ),
        headings=("i/o timeout", "ETIMEDOUT", "hangs"),
        evidence=("mirror_tgt_hang_deadline", "mirror_tgt_hang_tls"),
        retryable=True,
    ),
    Row(
        Category.CHANGED_WHILE_COPYING,
        cause="the object changed while it was read, or its upload was ended from outside",
        remedy="It is tried again. For data that changes all the time, mirror a snapshot or a quieter time of day.",
        codes=(
            "PreconditionFailed",
            "UnexpectedEOF",
            "IncompleteBody",
            "NoSuchUpload",
            "InvalidPart",
            "BadDigest",
            "XAmzContentSHA256Mismatch",
            "XAmzContentChecksumMismatch",
        ),
        phrases=(
            r"not equal to the size",
            r"pre-?conditions? you specified did not hold",
            r"transport closed before",
            r"ContentLength=\d+ with Body length",
        ),
        evidence=("test_a_file_that_is_cut_while_mc_reads_it",),
        retryable=True,
    ),
    Row(
        Category.CONNECTION_LOST,
        cause="the connection broke in the middle of a request",
        remedy="It is tried again with growing pauses. If it stays, look at the server's log, the network and any "
        "proxy between.",
        phrases=(
            r"connection reset",
            r"broken pipe",
            r"\bEOF\b",
            r"connection (was )?(lost|aborted)",
            r"server closed",
        ),
        headings=("connection reset by peer", "ECONNRESET"),
        evidence=("watch_src_down", "test_a_stub_server_makes_mc_say_it"),
        retryable=True,
    ),
    Row(
        Category.OVERWRITE_OFF,
        cause="the target holds another version, and overwriting is off",
        remedy="Write `overwrite = true` in the job (--overwrite) if the source is right. `mcmirror plan` shows what "
        "differs.",
        phrases=(r"overwrite not allowed",),
        headings=("Overwrite not allowed",),
        evidence=("mirror_differs_no_overwrite",),
    ),
    Row(
        Category.KEY_NOT_STORABLE,
        cause="the target cannot store an object of this name or size",
        remedy="Rename it at the source, or leave it out with `exclude`. MinIO and folders refuse `//`, `.` and `..` "
        "as folder names and parts over 255 bytes; no target holds both `x` and `x/y` in a folder.",
        codes=(
            "KeyTooLongError",
            "XMinioInvalidObjectName",
            "XMinioInvalidResourceName",
            "XMinioParentIsObject",
            "EntityTooLarge",
            "InvalidURI",
        ),
        phrases=(
            r"file name too long",
            r"cannot be longer than",
            r"unsupported characters",
            r"already exists as directory",
            r"is already an object",
            r"(: is|not) a directory",
            r"object name .*not valid",
            r"file exists",
        ),
        evidence=("test_a_stub_server_makes_mc_say_it", "test_a_key_that_the_target_refuses"),
    ),
    Row(
        Category.NOT_COPIED,
        cause="it is not on the target, and mc did not say why",
        remedy="Most often the access key may not write there (mc hides this): `mcmirror doctor JOB` tries it. An "
        "archived object (Glacier) must be restored first. Then run again: only what is missing is copied.",
        codes=("InvalidObjectState",),
        phrases=(r"context canceled", r"on glacier storage"),
        evidence=("mirror_tgt_write_denied", "mirror_tgt_bucket_removed_mid"),
    ),
    Row(
        Category.CONTENT_DIFFERS,
        cause="source and target have the same size and other bytes",
        remedy="With `overwrite = true` the next run copies it again. If it comes back, something else writes to the "
        "target, or a drive is failing.",
        evidence=("mirror_differs_overwrite",),
    ),
    Row(
        Category.SOURCE_EMPTY,
        cause="the source is empty, so `remove` would empty the target",
        remedy="Check that the source is mounted and named right. If it is meant to be empty: `max_delete = "
        '"unlimited"` (--max-delete unlimited) for this one run.',
        evidence=("mirror_remove_empty_source", "mirror_remove_empty_dir"),
    ),
    Row(
        Category.TOO_MANY_DELETES,
        cause="the run would remove more of the target than `max_delete` allows",
        remedy="See what would go with `mcmirror plan`. If that is right, raise `max_delete` (--max-delete 50%, a "
        "number, or unlimited) for this run.",
        evidence=("mirror_remove_empty_source",),
    ),
    Row(
        Category.ALIAS_ROOT,
        cause="an alias without a bucket means every bucket of the server",
        remedy="Name the bucket: ALIAS/BUCKET. Several buckets are several jobs.",
        evidence=("mirror_site_remove",),
    ),
    Row(
        Category.OVERLAP,
        cause="source and target lie in each other, so each run would copy its own copies",
        remedy="Choose a target outside the source (another bucket or folder).",
        phrases=(r"are the same file",),
        evidence=("mirror_into_subdir2", "mirror_self"),
    ),
    Row(
        Category.LOCKED,
        cause="another run is working on the same target",
        remedy="Wait for it, or stop it (`mcmirror job list` shows what runs); the lock vanishes with its process.",
        evidence=("test_every_category_can_be_made",),
    ),
    Row(
        Category.MC_MISSING,
        cause="MinIO's client mc was not found on this machine",
        remedy="`mcmirror mc install` fetches it (`--from-go` builds it); or install the package mcli or minio-client; "
        "or name it in MCMIRROR_MC.",
        evidence=("test_nothing_found_names_every_place",),
    ),
    Row(
        Category.MC_IMPOSTOR,
        cause="the program found is not MinIO's mc",
        remedy="Point `mc = ...` under [settings] or MCMIRROR_MC to MinIO's client, or run `mcmirror mc install`. Most "
        "systems' package `mc` is Midnight Commander; MinIO's is called mcli or minio-client.",
        phrases=(r"midnight commander",),
        headings=("GNU Midnight Commander",),
        evidence=("test_midnight_commander_is_refused_by_name",),
    ),
    Row(
        Category.MC_TOO_OLD,
        cause="this mc does not know an option or command that was asked of it",
        remedy="Install the last release with `mcmirror mc install`, or leave out the option that the cause names.",
        phrases=(r"flag provided but not defined", r"is not a recognized command", r"deprecated command"),
        headings=("flag provided but not defined",),
        evidence=("flag_maxworkers",),
    ),
    Row(
        Category.USAGE,
        cause="the command line does not say what mcmirror or mc can do",
        remedy="See `mcmirror COMMAND --help`. Rates are written 10MiB (no /s), durations 7d10h.",
        phrases=(
            r"unhandled size name",
            r"invalid (command usage|arguments?)",
            r"unable to parse",
            r"time: (invalid|unknown|missing)",
        ),
        evidence=("limit_bad1",),
    ),
    Row(
        Category.CONFIGURATION,
        cause="a setting or a name does not suit the server",
        remedy='Correct what the cause names. A wrong region: `region = "..."` in the alias; a bucket name that is '
        "taken or not allowed: another; a storage class or attribute the server lacks: leave it out. `mcmirror job "
        "show JOB` prints what is in force.",
        codes=(
            "AuthorizationHeaderMalformed",
            "PermanentRedirect",
            "TemporaryRedirect",
            "InvalidRegion",
            "IllegalLocationConstraintException",
            "InvalidLocationConstraint",
            "InvalidBucketName",
            "BucketAlreadyExists",
            "BucketAlreadyOwnedByYou",
            "InvalidStorageClass",
            "InvalidArgument",
            "NotImplemented",
            "APINotSupported",
            "MethodNotAllowed",
        ),
        phrases=(r"bucket name .*not valid", r"invalid (alias|url)", r"address already in use", r"bucket .*\bexists"),
        headings=("wrong region",),
        evidence=("mb_exists", "mirror_site_to_bucket_remove2", "alias_set_badname"),
    ),
    Row(
        Category.UNKNOWN,
        cause="mc reported something that mcmirror does not know",
        remedy="Read mc's words above. Run again with --debug and report the line, so that the table gets a row.",
        evidence=("test_what_nobody_knows_keeps_mcs_words",),
    ),
)

"""What servers and the network do to a run. The first five rows answer headings that people know by heart."""

from mcmirror.mc.row import Row
from mcmirror.model.problem import Category

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
            r"connection (was )?(lost|aborted|closed)",
            r"server closed",
        ),
        headings=("connection reset by peer", "ECONNRESET"),
        evidence=("watch_src_down", "test_a_stub_server_makes_mc_say_it"),
        retryable=True,
    ),
)

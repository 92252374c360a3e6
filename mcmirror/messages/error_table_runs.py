"""What a run finds, what the guard refuses, and what is wrong with mc, the command line or a setting."""

from mcmirror.messages.error_row import Row
from mcmirror.model.problem import Category

TABLE: tuple[Row, ...] = (
    Row(
        Category.OVERWRITE_OFF,
        cause="the target holds another version, and overwriting is off",
        remedy="{overwrite}",
        phrases=(r"overwrite not allowed",),
        headings=("Overwrite not allowed",),
        evidence=("mirror_differs_no_overwrite",),
    ),
    Row(
        Category.AGENT_GONE,
        cause="no process of the agent takes tasks, none that the master can reach by store or broker, or it has "
        "another key",
        remedy="Start it at its site: mcmirror agent NAME. `mcmirror agent list` shows which agents take tasks. "
        "A job by schedule runs when its agent returns.",
        evidence=("test_an_agent_that_is_gone_is_a_problem_of_a_run_by_hand",),
        retryable=True,
    ),
    Row(
        Category.AGENT_REFUSED,
        cause="the agent cannot open the master's messages, or speaks another version of them",
        remedy="Give master and agent the same key in [agent.NAME], and install the same mcmirror on both.",
        evidence=("test_another_protocol_is_refused_and_both_versions_are_named", "test_another_key_is_refused"),
    ),
    Row(
        Category.EVENTS_UNSUPPORTED,
        cause="this server tells nobody what changes, or not in the way that mc listens",
        remedy="Nothing has to be done: full runs take the place of events. A MinIO behind a gateway tells what "
        "changes at its own address; other servers may send a webhook or fill a queue.",
        evidence=("test_what_changes_is_heard_or_it_is_said_that_nothing_is",),
    ),
    Row(
        Category.KEY_NOT_STORABLE,
        cause="the target cannot store an object of this name or size",
        remedy="Rename it at the source{exclude}. MinIO and folders refuse `//`, `.` and `..` "
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
            r"non UTF-8",
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
        remedy="Most often the access key may not write there (mc hides this): `mcmirror doctor JOB` tries it. "
        "Where one side has an object `x` and the other `x/y`, MinIO "
        "holds only one of them. Then run again: only what is missing is copied.",
        phrases=(r"context canceled",),
        evidence=("mirror_tgt_write_denied", "mirror_tgt_bucket_removed_mid"),
    ),
    Row(
        Category.CONTENT_DIFFERS,
        cause="source and target have the same size and other bytes",
        remedy="{again} If it comes back, something else writes to the target, or a drive is failing.",
        evidence=("mirror_differs_overwrite",),
    ),
    Row(
        Category.METADATA_DIFFERS,
        cause="the bytes are the same, and what describes them (content type, user metadata, tags) is not",
        remedy="{metadata} compares all of it and repairs it; the run's notes say what this target cannot keep.",
        evidence=("test_verify_names_other_metadata_of_equal_bytes",),
    ),
    Row(
        Category.SOURCE_EMPTY,
        cause="the source is empty, so `remove` would empty the target; or it was not empty before",
        remedy="Check that the source is {mounted}. If it is meant to be empty: {empty}.",
        evidence=("mirror_remove_empty_source", "mirror_remove_empty_dir"),
    ),
    Row(
        Category.SOURCE_SHRANK,
        cause="the source lists far fewer objects than it did when the plan was made, or none",
        remedy="Nothing was removed. Check that the source is {mounted} and that its server is well, then run again.",
        evidence=("test_a_source_that_shrinks_at_the_second_look",),
    ),
    Row(
        Category.TOO_MANY_DELETES,
        cause="the run would remove more of the target than `max_delete` allows",
        remedy="See what would go with `mcmirror plan`. If that is right, {raise}.",
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
        remedy="Wait for it, or stop it (`pgrep -af mcmirror` finds it); the lock vanishes with its process.",
        evidence=("test_every_category_can_be_made",),
    ),
    Row(
        Category.REPLICATION_UNSUPPORTED,
        cause="the server has no replication of buckets, which is MinIO's",
        remedy="Nothing was changed. Use a job instead: [job.NAME] with the same source and target, which copies what "
        "is missing with each run.",
        headings=("no replication API",),
        evidence=("test_a_server_without_replication_is_named_before_anything_is_changed",),
    ),
    Row(
        Category.REPLICATION_UNREACHABLE,
        cause="the server of the source cannot reach the target with these keys; this machine has no part in that",
        remedy="Objects go from server to server. Make the address of the target's alias one that the server of the "
        "source can reach too (name, port, firewall, a certificate that it trusts), then apply again.",
        codes=("XMinioAdminReplicationRemoteConnectionError",),
        headings=("Remote service connection error", "Remote service endpoint offline"),
        evidence=("replicate_add_badcred_fresh", "test_what_the_source_server_cannot_reach_is_said_with_what_stands"),
    ),
    Row(
        Category.REPLICATION_CONFLICT,
        cause="a bucket has a replication set up that does not go with the desired one",
        remedy="See both with `mcmirror replicate plan NAME`, and change one of them.",
        codes=(
            "XMinioAdminRemoteRemoveDisallowed",
            "XMinioAdminRemoteTargetNotFoundError",
            "XMinioAdminRemoteIdenticalToSource",
            "XMinioAdminBucketRemoteAlreadyExists",
            "XMinioAdminReplicationBandwidthLimitError",
            "ReplicationSourceNotVersionedError",
            "RemoteTargetNotVersionedError",
            "ReplicationDestinationMissingLockError",
        ),
        phrases=(r"priority must be unique",),
        headings=("The remote target does not have versioning enabled",),
        evidence=("replicate_add_dup", "replicate_add_tgt_noversion", "replicate_rm"),
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
        remedy="Point {mc} to MinIO's client, or run `mcmirror mc install`. Most "
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
        remedy="Correct what the cause names.{region} name that is taken or not allowed: another{option}. `mcmirror "
        "job show JOB` prints what is in force.",
        codes=(
            "AuthorizationHeaderMalformed",
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
        phrases=(
            r"bucket name (.*not valid|cannot|contains|must)",
            r"invalid (alias|url)",
            r"address already in use",
            r"bucket .*\bexists",
        ),
        headings=("wrong region",),
        evidence=("mb_exists", "mirror_site_to_bucket_remove2", "alias_set_badname"),
    ),
    Row(
        Category.SYSTEM,
        cause="this machine refused something that a run needs: a file, memory, a process",
        remedy="Look at the cause: temporary files go to the folder that TMPDIR names, and limits are those of the "
        "container, the unit or `ulimit -a`. Then run again.",
        headings=("No usable temporary directory found", "Too many open files", "Read-only file system"),
        evidence=("test_a_folder_for_temporary_files_that_takes_nothing",),
    ),
    Row(
        Category.INTERNAL,
        cause="a mistake of mcmirror itself ended the run",
        remedy="Run it again: every run starts from what both sides hold. {debug} shows the traceback; report it.",
        evidence=("test_an_unforeseen_exception_is_a_failed_run",),
    ),
    Row(
        Category.UNKNOWN,
        cause="mc reported something that mcmirror does not know",
        remedy="Read mc's words above. Run again with {debug} and report the line, so that the table gets a row.",
        evidence=("test_what_nobody_knows_keeps_mcs_words",),
    ),
)

"""`mcmirror mirror SOURCE TARGET`: one pair, now."""

from typing import Annotated

import typer

from mcmirror.cli import options as o
from mcmirror.cli.execution import Output, Task, execute
from mcmirror.model.location import Location

app = typer.Typer(add_completion=False, rich_markup_mode=None)

PLACE = "ALIAS/BUCKET[/PREFIX], or a folder: ./NAME, /NAME"
Source = Annotated[str, typer.Argument(metavar="SOURCE", callback=o.location, help=PLACE)]
Target = Annotated[str, typer.Argument(metavar="TARGET", callback=o.location, help=PLACE)]


@app.command(epilog=o.EXIT_CODES)
def mirror(  # noqa: PLR0913, PLR0917  one parameter an option
    source: Source,
    target: Target,
    overwrite: o.Overwrite = None,
    remove: o.Remove = None,
    max_delete: o.MaxDeletes = None,
    exclude: o.Exclude = None,
    newer_than: o.NewerThan = None,
    older_than: o.OlderThan = None,
    prefix: o.Prefix = None,
    limit_upload: o.LimitUpload = None,
    limit_download: o.LimitDownload = None,
    workers: o.Workers = None,
    storage_class: o.StorageClass = None,
    preserve: o.Preserve = None,
    tags: o.TagsOption = None,
    metadata: o.Metadata = False,
    encrypt: o.Encrypt = None,
    attr: o.Attr = None,
    checksum: o.Checksum = None,
    skip_errors: o.SkipErrors = None,
    dry_run: o.DryRun = False,
    create_target: o.CreateTarget = False,
    region: o.Region = None,
    assurance: o.Assured = None,
    retries: o.Retries = None,
    retry_delay: o.RetryDelay = None,
    stall_timeout: o.StallTimeout = None,
    strict: o.Strict = False,
    lock: o.LockMode = None,
    config: o.Config = None,
    json: o.Json = False,
    report_json: o.ReportJson = None,
    junit: o.Junit = None,
    textfile_dir: o.TextfileDir = None,
    pushgateway: o.Pushgateway = None,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Mirror SOURCE to TARGET and verify what arrived.

    Nothing is replaced without --overwrite and nothing is removed without --remove, or what [defaults] of mcmirror.toml
    say: they hold for a pair too. The verdict comes from listing both sides afterwards, never from mc's exit code.
    """
    if encrypt and Location.parse(target).is_local:
        raise typer.BadParameter("only a server encrypts what it stores, and the target is a folder.",
                                 param_hint="'--encrypt'")  # fmt: skip
    given = {
        "overwrite": overwrite,
        "remove": remove,
        "max_delete": max_delete,
        "exclude": tuple(exclude) if exclude else None,
        "newer_than": newer_than,
        "older_than": older_than,
        "prefix": prefix,
        "limit_upload": limit_upload,
        "limit_download": limit_download,
        "workers": workers,
        "storage_class": storage_class,
        "preserve": preserve,
        "tags": tags,
        "encrypt": encrypt,
        "attr": attr,
        "checksum": checksum,
        "skip_errors": skip_errors,
        "dry_run": dry_run or None,
        "create_target": create_target or None,
        "region": region,
        "assurance": assurance,
        "retries": retries,
        "retry_delay": retry_delay,
        "stall_timeout": stall_timeout,
        "strict": strict or None,
    }
    # What is not given is left to the file's [defaults].
    fields = {name: value for name, value in given.items() if value is not None}
    again = "the same command without --dry-run" if dry_run else "the same command"
    task = Task(
        "run",
        lambda service: (service.pair(source, target, **fields),),
        lambda _: again,
        config=config,
        metadata=100.0 if metadata else None,
        lock=lock,
    )
    output = Output(
        json=json,
        quiet=quiet,
        debug=debug,
        report_json=report_json,
        junit=junit,
        textfile_dir=textfile_dir,
        pushgateway=pushgateway,
    )
    raise typer.Exit(execute(task, output))

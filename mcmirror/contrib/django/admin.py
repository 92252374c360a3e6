"""The admin: the backlog with its states, errors and a retry, and what waits in the outbox."""

import time
from typing import Any

from django.contrib import admin, messages

from mcmirror.config import ConfigError
from mcmirror.contrib.django.mirroring import job_backlog, ready
from mcmirror.contrib.django.models import ItemQuerySet, MirrorItemTask, MirrorRequest
from mcmirror.model.backlog import ItemState
from mcmirror.model.wording import objects
from mcmirror.store.database import Unusable


def _told(error: ConfigError | Unusable) -> str:
    """What is wrong and what to do, for a page."""
    if isinstance(error, Unusable):
        return str(error)
    return f"{error.mistakes[0].sentence}. {error.mistakes[0].remedy}"


class ReadOnly(admin.ModelAdmin):
    """Nothing is added, changed or deleted by hand."""

    def has_add_permission(self, request: Any, *_: Any) -> bool:
        """No."""
        del request
        return False

    def has_change_permission(self, request: Any, *_: Any) -> bool:
        """No."""
        del request
        return False

    def has_delete_permission(self, request: Any, *_: Any) -> bool:
        """No."""
        del request
        return False

    def has_view_permission(self, request: Any, *_: Any) -> bool:
        """Whoever may view or change it."""
        return bool(super().has_view_permission(request) or super().has_change_permission(request))


class StateFilter(admin.SimpleListFilter):
    """By state."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """All states."""
        del request, model_admin
        return [(state.value, state.value) for state in ItemState]

    def queryset(self, request: Any, queryset: Any) -> Any:
        """Those in the state that was chosen."""
        del request
        chosen = self.value()
        return queryset.in_state(ItemState(chosen)) if chosen in set(ItemState) else queryset


@admin.register(MirrorItemTask)
class MirrorItemTaskAdmin(ReadOnly):
    """The backlog, read from mcmirror's state at this moment."""

    list_display = ("key", "action", "status", "attempts", "put_in", "next_attempt", "error")
    list_filter = (StateFilter,)
    search_fields = ("key", "error")
    ordering = ("key",)
    show_full_result_count = False
    actions = ("retry",)
    fields = ("key", "action", "status", "attempts", "put_in", "next_attempt", "owner", "error")
    readonly_fields = fields

    def get_queryset(self, request: Any) -> Any:
        """The items; none, with the reason, where they cannot be read."""
        try:
            return super().get_queryset(request)
        except (ConfigError, Unusable) as error:
            messages.error(request, _told(error))
        return ItemQuerySet(self.model).none()

    def changelist_view(self, request: Any, extra_context: Any = None) -> Any:
        """Say above the list what is not in it yet."""
        if waiting := ready().count():
            messages.info(request, f"{objects(waiting)} uploaded or deleted and not handed over yet:"
                          " manage.py process_pending_mirror_tasks, or the next task, does it.")  # fmt: skip
        return super().changelist_view(request, extra_context)

    def has_retry_permission(self, request: Any) -> bool:
        """Whoever may change items."""
        return bool(request.user.has_perm("mcmirror.change_mirroritemtask"))

    @admin.action(description="Try again now", permissions=["retry"])
    def retry(self, request: Any, chosen: Any) -> None:
        """Try failed, dead and held items again."""
        keys = list(chosen.values_list("key", flat=True))
        try:
            with job_backlog() as backlog:
                number = backlog.items.retry(time.time(), keys) if keys else 0
        except (ConfigError, Unusable) as error:
            messages.error(request, _told(error))
            return
        left = f"; {len(keys) - number:,} needed none" if len(keys) > number else ""
        messages.success(request, f"{objects(number)} tried again{left}")


@admin.register(MirrorRequest)
class MirrorRequestAdmin(ReadOnly):
    """The outbox."""

    list_display = ("key", "place", "gone", "ready", "noted")
    search_fields = ("key",)
    ordering = ("pk",)

"""Upload, list, read, delete."""

from django.db import transaction
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from gallery.models import Picture


@transaction.atomic
def gallery(request: HttpRequest) -> HttpResponse:
    """The page; a file that is sent to it is kept."""
    if request.method == "POST" and "file" in request.FILES:
        Picture.objects.create(file=request.FILES["file"])
        return redirect("/")
    return render(request, "gallery.html", {"pictures": Picture.objects.order_by("pk")})


def picture(request: HttpRequest, pk: int) -> HttpResponse | FileResponse:
    """One file, out of the main bucket."""
    found = get_object_or_404(Picture, pk=pk)
    if request.method == "POST":
        with transaction.atomic():
            found.file.delete(save=False)
            found.delete()
        return redirect("/")
    return FileResponse(found.file.open(), filename=found.file.name.rpartition("/")[2])

"""The page and the admin."""

from django.contrib import admin
from django.urls import path

from gallery import views

urlpatterns = [
    path("", views.gallery),
    path("picture/<int:pk>", views.picture),
    path("admin/", admin.site.urls),
]

from django.urls import path
from django.views.static import serve

from entries.apps import EntriesConfig
from entries.views import guestbook

urlpatterns = [
    path("", guestbook, name="guestbook"),
    # Used where the server has no alias for /static; one small file bears it.
    path("static/<path:path>", serve, {"document_root": EntriesConfig.static}),
]

"""A Django site in one file.

Covers: routing below a mount, GET and POST, file upload, sessions, cookies, redirects,
StreamingHttpResponse, FileResponse (which uses wsgi.file_wrapper), a view that raises, logging.
"""

import hashlib
import tempfile

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import (
    FileResponse,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.urls import path, reverse

settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={},
    DEBUG=False,
    LOGGING_CONFIG=None,
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="only for tests",
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
)
django.setup()


def index(request):
    return HttpResponse(f"Hello {request.GET.get('name', 'world')} at {request.path}")


def upload(request):
    file = request.FILES["file"]
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    return JsonResponse([file.name, file.size, digest.hexdigest(), request.POST["text"]], safe=False)


def count(request):
    request.session["count"] = request.session.get("count", 0) + 1
    return HttpResponse(str(request.session["count"]))


def stream(request):
    return StreamingHttpResponse(b"%d\n" % number for number in range(1000))


def download(request):
    file = tempfile.TemporaryFile()
    file.write(b"static content\n" * 1000)
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename="static.txt")


def moved(request):
    return HttpResponseRedirect(reverse("index"))


def broken(request):
    raise ValueError("in a view")


urlpatterns = [
    path("", index, name="index"),
    path("upload", upload),
    path("count", count),
    path("stream", stream),
    path("download", download),
    path("moved", moved),
    path("broken", broken),
]
application = get_wsgi_application()

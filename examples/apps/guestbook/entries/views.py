from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from .forms import EntryForm
from .models import Entry

ENTRIES_PER_PAGE = 10


@require_http_methods(["GET", "HEAD", "POST"])
def guestbook(request):
    """The entries, newest first, and the form for another one."""
    form = EntryForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        form.save()
        messages.success(request, "Thank you for your entry!")
        return redirect("guestbook")
    page = Paginator(Entry.objects.all(), ENTRIES_PER_PAGE).get_page(
        request.GET.get("page")
    )
    return render(request, "entries/guestbook.html", {"form": form, "page": page})

from pathlib import Path

from django.apps import AppConfig


class EntriesConfig(AppConfig):
    name = "entries"
    static = Path(__file__).resolve().parent / "static"

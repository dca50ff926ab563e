"""The command of `mod_wsgi.express`, under its former name."""

from mod_wsgi.express.management.commands.runmodwsgi import Command

__all__ = ["Command"]

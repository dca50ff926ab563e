"""What can be wrong with what the launcher is asked for."""


class ConfigurationError(Exception):
    """A mistake in the options, told in one line. The command line reports it as a usage error."""


class StartError(Exception):
    """Why the server can't be started as configured, and what to do about it."""

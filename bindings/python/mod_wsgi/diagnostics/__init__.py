"""Applications that show whether and how a server works; run with `--application-type module`."""

"""Ends while it is loaded."""

raise SystemExit(3)

"""Cannot be loaded."""

raise ValueError("loading")

"""Launcher and helpers of wsgi-core. In a server, a module of the engine stands in its place."""

"""Launcher and helpers of wsgi-core. Inside a server a module of the engine's stands in its place."""

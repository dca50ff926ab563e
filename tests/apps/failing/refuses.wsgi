"""A script that imports an extension which refuses sub-interpreters, in CPython's words."""

raise ImportError("module obstinate._extension does not support loading in subinterpreters")

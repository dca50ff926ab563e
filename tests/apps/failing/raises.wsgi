"""A script whose top level raises."""


def deeper():
    raise ValueError("while loading")


deeper()

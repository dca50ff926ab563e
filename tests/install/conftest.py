"""One installation for all tests, moved from where it was installed before anything uses it."""

from __future__ import annotations

from pathlib import Path

import pytest

from installed import Tree, make_install


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """What `make install PREFIX=…` made, at another place than it was made for."""
    base = tmp_path_factory.mktemp("install")
    before = base / "before"
    make_install(PREFIX=before)
    return Tree(before.rename(base / "moved elsewhere"))


@pytest.fixture(scope="session")
def tree_without_space(tree: Tree, tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """The same below a path without spaces, for tools that split their arguments at them."""
    link = tmp_path_factory.mktemp("link") / "wsgi-core"
    link.symlink_to(tree.prefix)
    return Tree(Path(link))

"""What several files of tests share and what takes long to make: the package as its users get it."""

import pytest

from tests.packages import Packages, make_packages


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    """The sdist, the wheel that was built from it, and the object files that the wheel was linked from."""
    return make_packages(tmp_path_factory.mktemp("packages"))

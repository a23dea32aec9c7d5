"""What the tests of the tools share."""

import pytest

import aside


@pytest.fixture(autouse=True, scope="session")
def another_memory(tmp_path_factory):
    """What the tools write in tests is not noted beside what they wrote in the course."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aside, "WRITTEN", tmp_path_factory.mktemp("cache") / "written.json")
        yield

"""What holds for all tests: a property is true or false, however busy the machine is that looks at an example."""

from hypothesis import settings

settings.register_profile("hd_core", deadline=None)
settings.load_profile("hd_core")

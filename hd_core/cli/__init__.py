"""The command line: one frozen dataclass per command; the only place that prints."""

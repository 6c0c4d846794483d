"""Writers, one format per file; `table.write_scene` picks the one that a suffix asks for."""

"""Pictures in and out: clips of any container or image sequence are streamed as frames, previews are written."""

"""Pictures of a run that a person can judge: contact sheet and page."""

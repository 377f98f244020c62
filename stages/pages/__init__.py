"""Pages around a stage's page: editing, history, suggestions, import, reading aids."""

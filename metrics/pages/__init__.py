"""Pages of the metrics plugin, a module for each subject."""

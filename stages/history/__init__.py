"""What happened to the pages of the catalog, and bringing the page of a day back."""

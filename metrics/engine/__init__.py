"""The engine: from facts to months, cells and estimates."""

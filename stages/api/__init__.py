"""The API of the catalog: reading for all, writing with the same permissions and sentences as the pages."""

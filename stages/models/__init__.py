"""The catalog's models: the structure, the handbook content, people, and what happens to both."""

from stages.models.changes import (
    BlockRevision,
    Draft,
    FieldConflict,
    Follow,
    FormerKey,
    ImportConflict,
    ImportPreview,
    ImportRun,
    LinkCheck,
    LinkHost,
    LinkRun,
    Succession,
    Suggestion,
    Visit,
)
from stages.models.content import Block, BlockKind, Dialect, DocLabel, PageText, Placement, Resource, StartingPoint
from stages.models.people import Contact, Responsibility
from stages.models.structure import Category, CategoryGroup, Group, Maturity, Section, Stage

__all__ = [
    "Block",
    "BlockKind",
    "BlockRevision",
    "Category",
    "CategoryGroup",
    "Contact",
    "Dialect",
    "DocLabel",
    "Draft",
    "FieldConflict",
    "Follow",
    "FormerKey",
    "Group",
    "ImportConflict",
    "ImportPreview",
    "ImportRun",
    "LinkCheck",
    "LinkHost",
    "LinkRun",
    "Maturity",
    "PageText",
    "Placement",
    "Resource",
    "Responsibility",
    "Section",
    "Stage",
    "StartingPoint",
    "Succession",
    "Suggestion",
    "Visit",
]

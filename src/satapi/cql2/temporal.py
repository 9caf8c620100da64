"""The temporal relations as comparisons of starts and ends (OGC 21-065r2, 7.7; OWL-Time).

An instant starts and ends at the same time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from satapi.cql2.ast import TemporalOperator

End = Literal["start", "end"]


class Relation(NamedTuple):
    """An end of the first operand against one of the second."""

    first: End
    operator: Literal["<", "<=", "=", ">=", ">"]
    second: End


# All relations of an operator must hold. Disjoint is what does not intersect.
DEFINITIONS: dict[TemporalOperator, tuple[Relation, ...]] = {
    "t_after": (Relation("start", ">", "end"),),
    "t_before": (Relation("end", "<", "start"),),
    "t_contains": (Relation("start", "<", "start"), Relation("end", ">", "end")),
    "t_during": (Relation("start", ">", "start"), Relation("end", "<", "end")),
    "t_equals": (Relation("start", "=", "start"), Relation("end", "=", "end")),
    "t_finishedBy": (Relation("start", "<", "start"), Relation("end", "=", "end")),
    "t_finishes": (Relation("start", ">", "start"), Relation("end", "=", "end")),
    "t_intersects": (Relation("start", "<=", "end"), Relation("end", ">=", "start")),
    "t_disjoint": (Relation("start", "<=", "end"), Relation("end", ">=", "start")),
    "t_meets": (Relation("end", "=", "start"),),
    "t_metBy": (Relation("start", "=", "end"),),
    "t_overlappedBy": (
        Relation("start", ">", "start"),
        Relation("start", "<", "end"),
        Relation("end", ">", "end"),
    ),
    "t_overlaps": (Relation("start", "<", "start"), Relation("end", ">", "start"), Relation("end", "<", "end")),
    "t_startedBy": (Relation("start", "=", "start"), Relation("end", ">", "end")),
    "t_starts": (Relation("start", "=", "start"), Relation("end", "<", "end")),
}

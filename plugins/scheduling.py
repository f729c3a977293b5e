"""Under `-n`, keep every metric of one app on one worker, so that an app is installed and built once.

xdist's own handling of a crashed worker gives the crashed test out again and again; here it is done with,
and its siblings go on where the evidence on disk lets them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController


def case_id(nodeid: str) -> str:
    """The pytest id between the brackets, or the whole node id of a test without one."""
    _, bracket, param = nodeid.rpartition("::")[2].partition("[")
    return param.removesuffix("]") if bracket else nodeid


class AppScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """A scope is an app (and epoch). A worker that dies costs the metric at hand and nothing else."""

    def _split_scope(self, nodeid: str) -> str:
        return case_id(nodeid)

    def remove_node(self, node: WorkerController) -> str | None:
        workload = self.assigned_work.pop(node)
        pending: list[str] = [nodeid for unit in workload.values() for nodeid, done in unit.items() if not done]
        if not pending:
            return None
        crashed = pending[0]
        for scope, unit in reversed(workload.items()):
            if crashed in unit:
                unit[crashed] = True
            if not all(unit.values()):
                self.workqueue[scope] = unit
                self.workqueue.move_to_end(scope, last=False)
        for other in self.assigned_work:
            self._reschedule(other)
        return crashed

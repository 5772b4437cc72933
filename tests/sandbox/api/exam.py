"""All exam papers by name. `examiner.sit` puts one to a server; `test_exam.py` does so for the cluster under test."""

from tests.sandbox.api import papers_core, papers_lifecycle, papers_patches, papers_workloads
from tests.sandbox.api.examiner import Step

PAPERS: dict[str, list[Step]] = (
    papers_workloads.PAPERS | papers_patches.PAPERS | papers_lifecycle.PAPERS | papers_core.PAPERS
)

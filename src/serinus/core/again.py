"""What to ask for when a person says `retry` or `undo`: a spec made from the record, or the problem with that.

Both then go the way of every release. Not here: reading the record, or beginning anything.
"""

from serinus.core.reasons import Outcome
from serinus.core.record import Past, Record
from serinus.core.spec import Image, Spec, StepSpec
from serinus.core.state import Finished
from serinus.core.survey import Problem, ServiceFacts

ALL_AT_ONCE = (StepSpec(100),)


def retry_spec(record: Record) -> Spec | Problem:
    """The last release again, as it was asked for, if it was taken back."""
    plan, state = record.plan, record.state
    if not isinstance(state, Finished):
        return _unfinished(record)
    if state.outcome is Outcome.PROMOTED:
        why = f"the last release, of version {plan.version}, was promoted"
        return _nothing("retry", record, why, f"to go back from it: serinus undo {plan.service}")
    if plan.spec is None:
        why = f"an older Serinus released version {plan.version}, and did not note down how"
        return _nothing("retry", record, why, f"say it again: serinus deploy {plan.service} --version {plan.version}")
    return plan.spec


def undo_spec(record: Record, service: ServiceFacts | None) -> Spec | Problem:
    """The version before the last one that was promoted: all at once, with no bake. `service` as it is now."""
    plan = record.plan
    if not isinstance(record.state, Finished):
        return _unfinished(record)
    last = next((past for past in record.history if past.outcome is Outcome.PROMOTED), None)
    if last is None:
        why = f"none of the last {len(record.history)} releases was promoted"
        return _nothing("undo", record, why, "production is as it was; see: serinus history")
    if last.version_before is None:
        why = f"version {last.version} was the first one"
        return _nothing("undo", record, why, "there is nothing to go back to: release another version")
    if service is not None and service.version not in (None, last.version):
        why = f"the last release was of version {last.version}, and production is {service.version} by now"
        return _nothing("undo", record, why, f"name the version: serinus deploy {plan.service} --image IMAGE:TAG")
    if not last.images_before:
        why = f"an older Serinus released version {last.version}, and did not note down the images before it"
        return _nothing("undo", record, why, f"name them: serinus deploy {plan.service} --image IMAGE:TAG")
    return _spec_before(record, last, last.version_before)


def _spec_before(record: Record, last: Past, version: str) -> Spec:
    asked = record.plan.spec or Spec(record.plan.namespace, record.plan.service)
    return Spec(
        namespace=record.plan.namespace,
        service=record.plan.service,
        version=version,
        images=tuple(Image(image, container) for container, image in sorted(last.images_before.items())),
        deployment=asked.deployment,
        naming=asked.naming,
        steps=ALL_AT_ONCE,
        adapt=True,
        bake_seconds=0.0,
        ready_deadline_seconds=asked.ready_deadline_seconds,
        keep_previous=asked.keep_previous,
        revive=True,
    )


def _unfinished(record: Record) -> Problem:
    plan = record.plan
    return Problem(
        f"Service {plan.service} is being released",
        f"namespace {plan.namespace}",
        f"the rollout of version {plan.version} has not finished",
        f"take it back: serinus abort {plan.service}; or go on: serinus deploy {plan.service} --version {plan.version}",
    )


def _nothing(verb: str, record: Record, why: str, hint: str) -> Problem:
    where = f"Service {record.plan.service} in namespace {record.plan.namespace}"
    return Problem(f"there is nothing to {verb}", where, why, hint)

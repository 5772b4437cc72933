"""The secret that a webhook's requests are signed with: from the environment or a file, and never shown."""

from collections.abc import Mapping
from pathlib import Path

from serinus.core.gates import Webhook
from serinus.core.plan import Plan
from serinus.core.survey import Problem


class SecretMissing(Exception):
    """There is no secret where the spec says that it is. The text says where, and why."""


def secret_of(webhook: Webhook, environment: Mapping[str, str]) -> bytes | None:
    """The secret, white space around it left out; None: requests are not to be signed. Raises SecretMissing."""
    if webhook.secret_variable is not None:
        text = environment.get(webhook.secret_variable, "").strip()
        if not text:
            raise SecretMissing(f"the environment variable {webhook.secret_variable} is not set")
        return text.encode()
    if webhook.secret_file is None:
        return None
    try:
        content = Path(webhook.secret_file).read_bytes().strip()
    except OSError as error:
        raise SecretMissing(f"{webhook.secret_file} cannot be read: {error.strerror}") from error
    if not content:
        raise SecretMissing(f"{webhook.secret_file} is empty")
    return content


def secret_problems(plan: Plan, environment: Mapping[str, str]) -> tuple[Problem, ...]:
    """Every webhook of the plan that could not be signed from here: told before anything is touched."""
    found = []
    for gate in plan.gates:
        if not isinstance(gate.kind, Webhook):
            continue
        try:
            secret_of(gate.kind, environment)
        except SecretMissing as missing:
            hint = "give it to this process; the spec file only names it"
            found.append(Problem(f"no secret for gate {gate.name}", "where this command runs", str(missing), hint))
    return tuple(found)

"""From a spec and what is there to a plan, to nothing to do, or to every problem at once."""

from dataclasses import replace

import pytest

from serinus.core.plan import AutoscalerRef, Plan, Promotion
from serinus.core.resolve import NAME_LENGTH_MAX, NothingToDo, Objections, canary_name, resolve
from serinus.core.spec import RELEASE_LABEL, Image, Naming, Smoke, Spec
from serinus.core.survey import DeploymentFacts, Problem, ServiceFacts, Survey
from tests.core.samples import shares

TOKEN = "0000aaaa"
SERVICE = ServiceFacts("checkout", {"app": "checkout"}, "v1", (("http", 8080),))
UNNAMED = replace(SERVICE, version=None)


def deployment(name: str = "checkout-v1", **fields: object) -> DeploymentFacts:
    calm: dict[str, object] = {
        "uid": f"uid-{name}",
        "wanted": 4,
        "ready": 4,
        "settled": True,
        "paused": False,
        "images": {"app": "shop/checkout:v1"},
        "selector": {"app": "checkout"},
        "labels": {},
        "template_labels": {"app": "checkout"},
        "max_surge": "25%",
    }
    return DeploymentFacts(name=name, **(calm | fields))  # type: ignore[arg-type]


def survey(*behind: DeploymentFacts, service: ServiceFacts | None = SERVICE, **fields: object) -> Survey:
    names = frozenset(one.name for one in behind)
    whole: dict[str, object] = {"deployment_names": names, "cluster": "context test, https://127.0.0.1"}
    return Survey("shop", service, behind, **(whole | fields))  # type: ignore[arg-type]


def spec(image: str | None = "shop/checkout:v2", **fields: object) -> Spec:
    images = (Image(image),) if image is not None else ()
    return Spec(namespace="shop", service="checkout", images=images, **fields)  # type: ignore[arg-type]


def plan_for(asked: Spec, there: Survey) -> Plan:
    plan = resolve(asked, there, TOKEN)
    assert isinstance(plan, Plan), plan
    return plan


def problems_of(asked: Spec, there: Survey) -> tuple[Problem, ...]:
    found = resolve(asked, there, TOKEN)
    assert isinstance(found, Objections), found
    problems = found.problems
    assert all(problem.what and problem.where and problem.why and problem.hint for problem in problems)
    return problems


def problem_of(asked: Spec, there: Survey) -> Problem:
    (problem,) = problems_of(asked, there)
    return problem


# Naming


def test_a_deployment_named_after_the_services_version_is_released_by_version() -> None:
    plan = plan_for(spec(), survey(deployment()))
    assert (plan.naming, plan.promotion, plan.canary_name) == (Naming.VERSIONED, Promotion.RENAME, "checkout-v2")
    assert plan.mark_version
    assert plan.stable is not None
    assert (plan.stable.name, plan.stable.version, plan.stable.replicas) == ("checkout-v1", "v1", 4)
    assert plan.stable.max_surge == "25%"


def test_a_deployment_of_another_name_is_released_in_place() -> None:
    plan = plan_for(spec(), survey(deployment("checkout"), service=UNNAMED))
    assert (plan.naming, plan.promotion, plan.canary_name) == (Naming.IN_PLACE, Promotion.ADOPT, "checkout-v2")
    assert not plan.mark_version
    assert plan.stable is not None
    assert plan.stable.version == "v1"


def test_a_version_label_that_a_deployment_in_place_has_is_kept_up_to_date() -> None:
    assert plan_for(spec(), survey(deployment("checkout"))).mark_version


def test_naming_can_be_asked_for() -> None:
    assert plan_for(spec(naming=Naming.IN_PLACE), survey(deployment())).promotion is Promotion.ADOPT
    there = survey(deployment("checkout"), service=UNNAMED)
    assert plan_for(spec(naming=Naming.VERSIONED), there).promotion is Promotion.RENAME


def test_of_two_deployments_the_one_that_the_label_names_is_production() -> None:
    plan = plan_for(spec(), survey(deployment("checkout-v0"), deployment()))
    assert plan.stable is not None
    assert plan.stable.name == "checkout-v1"


def test_of_two_deployments_the_one_with_pods_is_production() -> None:
    there = survey(deployment("checkout-v0", wanted=0), deployment("checkout-v1"), service=UNNAMED)
    plan = plan_for(spec(), there)
    assert plan.stable is not None
    assert plan.stable.name == "checkout-v1"


@pytest.mark.parametrize("name", ["checkout", "checkout-v1"])
def test_production_can_be_named_with_or_without_its_version(name: str) -> None:
    plan = plan_for(spec(deployment=name), survey(deployment("other"), deployment()))
    assert plan.stable is not None
    assert plan.stable.name == "checkout-v1"


@pytest.mark.parametrize(
    ("base", "version", "name"),
    [
        ("checkout", "v2", "checkout-v2"),
        ("checkout", "2.0", "checkout-ea0d4b69"),
        ("c" * 51, "v2", "c" * 43 + "-a6fcc8b8"),
    ],
)
def test_the_canarys_name_is_valid_and_short_enough(base: str, version: str, name: str) -> None:
    made = canary_name(base, version)
    assert len(made) <= NAME_LENGTH_MAX
    assert made.rpartition("-")[0] == name.rpartition("-")[0]
    assert made == name or "v2" not in made


# What the plan carries


def test_a_plan_carries_what_was_asked() -> None:
    smoke = Smoke("/healthz", None, 20.0)
    hpa = AutoscalerRef("checkout", 2, None)
    asked = spec(smoke=smoke, bake_seconds=5.0, steps=shares(25, 50), keep_previous=True)
    plan = plan_for(asked, survey(deployment(), autoscalers={"checkout-v1": hpa}))
    assert (plan.smoke, plan.smoke_before_traffic, plan.autoscaler, plan.keep_previous) == (smoke, True, hpa, True)
    assert [(step.canary_replicas, step.stable_replicas) for step in plan.steps] == [(1, 3), (2, 2), (4, 0)]
    assert plan.steps[0].bake_seconds == 5.0
    assert plan.steps[0].deadline_seconds == 300 + 20 + 5
    assert plan.images == {"app": "shop/checkout:v2"}
    assert (plan.version, plan.release, plan.rollout) == ("v2", "v2", TOKEN)


def test_adoption_keeps_no_previous_deployment() -> None:
    there = survey(deployment("checkout"), service=UNNAMED)
    assert not plan_for(spec(keep_previous=True), there).keep_previous


def test_a_release_whose_label_an_older_replicaset_carries_gets_one_of_its_own() -> None:
    plan = plan_for(spec(), survey(deployment(), releases=frozenset({"v1", "v2"})))
    assert (plan.version, plan.release) == ("v2", f"v2-{TOKEN}")
    long = "v" * 63
    plan = plan_for(spec(f"shop/checkout:{long}"), survey(deployment(), releases=frozenset({long})))
    assert len(plan.release) == 63


def test_a_version_alone_is_a_release_of_the_same_repository() -> None:
    assert plan_for(spec(None, version="v2"), survey(deployment())).images == {"app": "shop/checkout:v2"}


def test_a_version_beside_the_image_names_the_release() -> None:
    plan = plan_for(spec("shop/checkout:abc123", version="v2"), survey(deployment()))
    assert (plan.version, plan.canary_name) == ("v2", "checkout-v2")


# Nothing to do


@pytest.mark.parametrize(
    "asked",
    [spec("shop/checkout:v1"), spec(None, version="v1"), spec("shop/checkout:v1", version="v1")],
)
def test_the_version_in_production_is_nothing_to_do(asked: Spec) -> None:
    assert resolve(asked, survey(deployment()), TOKEN) == NothingToDo("v1", "checkout-v1")


def test_the_same_image_in_place_is_nothing_to_do() -> None:
    there = survey(deployment("checkout"), service=UNNAMED)
    assert resolve(spec("shop/checkout:v1"), there, TOKEN) == NothingToDo("v1", "checkout")


def test_the_same_tag_of_another_image_is_another_version() -> None:
    plan = plan_for(spec("elsewhere/checkout:v1"), survey(deployment()))
    assert plan.version.startswith("v1-")
    assert plan.canary_name == f"checkout-{plan.version}"


# The first version


def test_nothing_behind_the_service_is_a_first_deployment() -> None:
    plan = plan_for(spec(replicas_when_new=3), survey(service=UNNAMED))
    assert (plan.promotion, plan.stable, plan.canary_name) == (Promotion.FIRST, None, "checkout")
    assert (plan.replicas, len(plan.steps), plan.mark_version) == (3, 1, False)


def test_a_first_deployment_by_version_is_named_after_it() -> None:
    plan = plan_for(spec(naming=Naming.VERSIONED), survey(service=UNNAMED))
    assert (plan.canary_name, plan.mark_version) == ("checkout-v2", True)


@pytest.mark.parametrize("asked", [spec(None, version="v2"), spec("shop/checkout")])
def test_a_first_deployment_needs_one_image_with_a_version(asked: Spec) -> None:
    assert problem_of(asked, survey(service=UNNAMED)).what == "cannot deploy a first version"


def test_a_deployment_in_the_way_of_the_first_is_named() -> None:
    there = survey(service=replace(UNNAMED, name="shop"), deployment_names=frozenset({"checkout-v2"}))
    asked = Spec("shop", "shop", images=(Image("shop/checkout:v2"),), deployment="checkout", naming=Naming.VERSIONED)
    assert problem_of(asked, there).what == "Deployment checkout-v2 is in the way"


# Problems, each by itself


def test_a_service_that_is_not_there_is_told_with_those_that_are() -> None:
    problem = problem_of(spec(), survey(service=None, service_names=("cart", "checkuot")))
    assert problem.what == "no Service 'checkout'"
    assert problem.why == "the Services there: cart, checkuot"


@pytest.mark.parametrize(
    ("service", "why"),
    [
        (replace(SERVICE, selector={}), "it has no selector"),
        (replace(SERVICE, type="ExternalName"), "it is an ExternalName"),
    ],
)
def test_a_service_that_selects_no_pods_is_refused(service: ServiceFacts, why: str) -> None:
    problem = problem_of(spec(), survey(deployment(), service=service))
    assert problem.what == "Service checkout selects no pods"
    assert problem.why.startswith(why)


def test_two_deployments_with_pods_and_no_label_cannot_be_told_apart() -> None:
    there = survey(deployment("checkout-a"), deployment("checkout-b"), service=UNNAMED)
    problem = problem_of(spec(), there)
    assert problem.what == "cannot tell which Deployment is production"
    assert "checkout-a (4 pods), checkout-b (4 pods)" in problem.why


def test_production_without_pods_is_refused() -> None:
    problem = problem_of(spec(), survey(deployment("checkout", wanted=0), service=UNNAMED))
    assert problem.what == "production has no pods"


def test_a_named_deployment_that_is_not_behind_the_service_is_refused() -> None:
    there = survey(deployment(), deployment_names=frozenset({"checkout-v1", "cart"}))
    problem = problem_of(spec(deployment="cart"), there)
    assert problem.what == "Deployment cart is not behind the Service"
    assert problem.why == "its pods lack the labels that the Service selects: app=checkout"


def test_a_named_deployment_that_is_not_there_is_told_with_those_that_are() -> None:
    problem = problem_of(spec(deployment="chekout"), survey(deployment()))
    assert problem.what == "no Deployment chekout"
    assert problem.why == "there is no chekout and chekout-v1; behind the Service: checkout-v1"


@pytest.mark.parametrize(("service", "names"), [(SERVICE, frozenset[str]()), (UNNAMED, frozenset({"checkout-v1"}))])
def test_a_selector_that_matches_nothing_is_no_first_deployment(service: ServiceFacts, names: frozenset[str]) -> None:
    problem = problem_of(spec(), survey(service=service, deployment_names=names))
    assert problem.what == "the Service's selector matches no Deployment's pods"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"surge": None}, "no canary for a Recreate Deployment"),
        ({"paused": True}, "production is paused"),
        ({"ready": 3}, "production is not whole"),
        ({"settled": False}, "production is not whole"),
    ],
)
def test_a_deployment_that_cannot_be_released_now_is_refused(change: dict[str, object], what: str) -> None:
    assert problem_of(spec(), survey(deployment(**change))).what == what


def test_a_deployment_of_the_canarys_name_is_in_the_way() -> None:
    there = survey(deployment(), deployment_names=frozenset({"checkout-v1", "checkout-v2"}))
    assert problem_of(spec(), there).what == "Deployment checkout-v2 exists already"


def test_a_service_that_selects_by_version_would_give_the_canary_nothing() -> None:
    bound = replace(SERVICE, selector={"app": "checkout", "version": "v1"})
    problem = problem_of(spec(), survey(deployment(), service=bound))
    assert problem.what == "the canary would get no traffic"


def test_a_deployment_bound_to_one_release_cannot_adopt_another() -> None:
    bound = deployment(selector={"app": "checkout", RELEASE_LABEL: "v1"})
    problem = problem_of(spec(naming=Naming.IN_PLACE), survey(bound))
    assert problem.what == "checkout-v1 cannot adopt another release"


def test_ten_percent_of_three_pods_is_refused_with_ways_on() -> None:
    problem = problem_of(spec(steps=shares(10, 50)), survey(deployment(wanted=3, ready=3)))
    assert problem.what == "10 % of 3 pods cannot be had"
    assert problem.where == "--steps 10,50"
    assert "the nearest here is 25.0 %" in problem.why
    assert problem.hint == (
        "take --steps 25,50 (or --adapt, which means the same); or run 7 pods, which gives 12.5 %; "
        "or split by requests with a router"
    )


def test_the_nearest_shares_are_taken_when_that_was_asked_for() -> None:
    plan = plan_for(spec(steps=shares(10, 50), adapt=True), survey(deployment(wanted=3, ready=3)))
    assert [round(step.share_percent) for step in plan.steps] == [25, 50, 100]


def test_the_steps_that_a_refusal_proposes_are_accepted() -> None:
    there = survey(deployment(wanted=3, ready=3))
    hint = problem_of(spec(steps=shares(10, 50)), there).hint
    proposed = tuple(int(part) for part in hint.split()[2].split(","))
    plan_for(spec(steps=shares(*proposed)), there)


def test_an_images_problem_is_a_problem_of_the_release() -> None:
    assert problem_of(spec("shop/checkout"), survey(deployment())).where == "--image"


def test_all_problems_are_told_together() -> None:
    poor = deployment(wanted=3, ready=2, surge=None)
    bound = replace(SERVICE, selector={"app": "checkout", "version": "v1"})
    there = survey(poor, service=bound, deployment_names=frozenset({"checkout-v1", "checkout-v2"}))
    assert [problem.what for problem in problems_of(spec(steps=shares(10, 50)), there)] == [
        "no canary for a Recreate Deployment",
        "production is not whole",
        "Deployment checkout-v2 exists already",
        "the canary would get no traffic",
        "10 % of 3 pods cannot be had",
    ]

"""Both palettes can be read: contrasts as WCAG 2.2 asks for, 4.5 for words and 3 for lines and marks."""

import pytest

from serinus.report.style import DARK, LIGHT, LINE_COLOURS, TEXT_COLOURS, style_text

PALETTES = {"light": LIGHT, "dark": DARK}


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_measured_as_published() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("palette", PALETTES)
@pytest.mark.parametrize("name", TEXT_COLOURS)
@pytest.mark.parametrize("ground", ["paper", "panel"])
def test_words_stand_out(palette: str, name: str, ground: str) -> None:
    colours = PALETTES[palette]
    assert contrast(colours[name], colours[ground]) >= 4.5


@pytest.mark.parametrize("palette", PALETTES)
@pytest.mark.parametrize("name", LINE_COLOURS)
def test_lines_and_marks_stand_out(palette: str, name: str) -> None:
    colours = PALETTES[palette]
    assert contrast(colours[name], colours["paper"]) >= 3.0


def test_both_palettes_have_the_same_names_and_every_colour_used_is_one_of_them() -> None:
    assert LIGHT.keys() == DARK.keys()
    used = {part.split(")")[0] for part in style_text().split("var(--")[1:]}
    assert used <= LIGHT.keys()


@pytest.mark.parametrize("palette", PALETTES)
def test_canary_and_stable_differ_in_lightness_or_hue_for_people_who_see_no_red(palette: str) -> None:
    """Protanopia after Viénot, Brettel and Mollon 1999: the red and green that are seen become one."""
    canary, stable = (PALETTES[palette][name] for name in ("canary", "stable"))

    def seen(colour: str) -> tuple[float, float]:
        red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
        return 0.11 * red + 0.89 * green, float(blue)

    (yellow, blue), (other_yellow, other_blue) = seen(canary), seen(stable)
    assert abs(yellow - other_yellow) + abs(blue - other_blue) > 80

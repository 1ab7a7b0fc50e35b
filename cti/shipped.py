"""Where the scenario lies that comes with PressZero."""

from pathlib import Path

SHIPPED_SCENARIOS = (
    Path(__file__).parent / "scenarios",  # installed from a wheel
    Path(__file__).parent.parent / "scenarios",  # a checkout
)


def shipped_scenario() -> Path:
    """The lottery that comes with PressZero."""
    return next(folder / "lottery.yaml" for folder in SHIPPED_SCENARIOS if folder.is_dir())

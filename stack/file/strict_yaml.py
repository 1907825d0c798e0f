"""YAML as a stack file is read: a key that appears twice is a fault."""

from __future__ import annotations

import warnings
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MantissaNoDotYAML1_1Warning, MarkedYAMLError, YAMLError


def read(text: str) -> Any:
    """What the text holds. Raises YAMLError."""
    yaml = YAML(typ="safe", pure=True)
    # Stack files may say `yes` and `on`, which YAML 1.2 reads as texts.
    yaml.version = (1, 1)
    try:
        with warnings.catch_warnings():
            # A rate of 1e3 is clear enough.
            warnings.simplefilter("ignore", MantissaNoDotYAML1_1Warning)
            return yaml.load(text)
    except DuplicateKeyError as error:
        # The parser's own message explains how to permit it.
        raise MarkedYAMLError(problem="this key appears twice", problem_mark=error.problem_mark) from None
    except RecursionError:
        raise YAMLError("it is nested too deeply") from None
    except ValueError as error:
        # An unquoted date that does not exist, such as 2025-13-01.
        raise YAMLError(str(error)) from None

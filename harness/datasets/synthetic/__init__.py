"""Synthetic events: rendered from a recipe, the same bytes every time, and marked as ours."""

from harness.datasets.synthetic.recipe import BadRecipe, Rendered, rendered

__all__ = ["BadRecipe", "Rendered", "rendered"]

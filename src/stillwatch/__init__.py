"""Stillwatch: detect, share and stop adversarial distillation."""

__version__ = "0.1.0"

"""The commands of SPL, one file each; `harness.registry` finds them by name."""

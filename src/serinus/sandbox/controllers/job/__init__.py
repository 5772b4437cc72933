"""The Job controller, as far as one pod that runs to its end goes: `plan` decides, `controller` is the loop."""

"""The shell that both drivers share: observe, judge, decide, save, act. It knows ports, never adapters."""

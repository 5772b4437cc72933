"""The EndpointSlice controller: `plan` decides, `controller` is the loop."""

"""The Deployment controller: `rollout` is the working copy of one pass, `plan` decides, `controller` is the loop."""

"""The receiver program on the loudspeaker; it shares only `wire` and `transport` with the controller."""

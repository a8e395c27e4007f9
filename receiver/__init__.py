"""The agent on the loudspeaker: another program, on another machine, that knows only the wire."""

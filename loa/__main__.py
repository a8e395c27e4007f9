"""`python -m loa`."""

from loa.cli import main

main()

"""Tests of loa."""

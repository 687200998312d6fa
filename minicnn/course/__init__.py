"""Assignments with the student's own code in them: release, check and grade."""

"""Runs the text of a `.cu` file on the CPU, thread by thread."""

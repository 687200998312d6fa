"""Data that comes with the package. README.md says where each file is from."""

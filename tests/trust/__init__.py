"""Figures that a manager can check by hand, asked through the command line. Each of them was once wrong."""

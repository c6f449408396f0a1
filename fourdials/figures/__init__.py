"""Frames → Plotly figures. Nothing is computed here: every number drawn stands in the frame that was given.

numbers    amounts, money, durations and shares as people read them
style      colours, markers and layout shared by all figures
status     what every figure says of itself: where its data comes from, how many problems, how far along
curves     score within a budget: all arms in one panel, or a panel per dial
outcomes   how trials ended, by arm
"""

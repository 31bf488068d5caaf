"""Text alone: extraction prompts mixed into windows of people's prompts, and who notices at a 0.3 % false-alarm rate.

``python -m benchmarks.text_windows`` prints the tables. One baseline a file, each a function of a ``Case``; the
corpora's text is read at run time and none of it is kept.
"""

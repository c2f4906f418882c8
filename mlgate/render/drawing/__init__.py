"""Where things go in a drawing. The templates draw; nothing here knows markup.

Rows of intervals and bars are placed in per cent of the width, so that strokes and letters keep their
size on a phone, on a desktop and on paper. Charts with two axes are placed in pixels of a fixed frame.
"""

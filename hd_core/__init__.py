"""hd_core: a dressed, moving person out of an ordinary video and into 3D.

Importing this package imports neither torch nor any format library; each is loaded where it is used.
"""

__version__ = "0.1.0"

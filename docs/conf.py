"""Settings of the documentation site. Nothing that it shows is loaded from the network."""

import os

import logloss

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow greets everyone who imports it

project = "logloss"
author = "The logloss developers"
copyright = author
version = release = logloss.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
default_role = "py:obj"  # the docstrings write `name` for something that the reference describes

myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the numpy-style docstrings say the types in words
napoleon_numpy_docstring = True
napoleon_google_docstring = False

html_theme = "furo"
html_title = "logloss"
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_static_path = ["_static"]
html_css_files = ["logloss.css"]


def setup(app):
    """Close each box of code right after its last line; doctest needs the blank line there, a reader does not."""

    def tighten(_app, _name, source):
        source[0] = source[0].replace("\n\n```\n", "\n```\n")

    app.connect("source-read", tighten)

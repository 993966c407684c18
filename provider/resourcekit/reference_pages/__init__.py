"""Reference pages in Markdown of a package's resources and functions, for each engine."""

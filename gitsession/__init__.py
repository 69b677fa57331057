"""Your repository, exactly as you left it, in an editor, on a machine that will disappear."""
